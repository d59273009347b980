from __future__ import annotations

import numpy as np
import pytest

from tests.biomedical.fixtures import cells
from vicreg_biomedical.protocols.batches import (
    BatchCorrection,
    LeaveGroupOut,
    NotSameBatch,
    build_balanced_linear,
)
from vicreg_biomedical.protocols.columns import Population, population
from vicreg_biomedical.protocols.correction import CORRECTIONS
from vicreg_biomedical.protocols.replicates import ReplicateRetrieval, aggregate
from vicreg_core.classifiers.priors import equal_priors
from vicreg_core.errors import RunError
from vicreg_core.evaluation.subjects.subject import Features, Subject


def features(data, **changes) -> Features:
    given = {
        "ids": data.ids,
        "vectors": data.raw_features(np.arange(len(data))),
        "labels": data.labels,
        "groups": data.groups,
        "metadata": data.metadata,
    }
    return Features(**given | changes)


def subject(train: Features, test: Features | None = None) -> Subject:
    return Subject(
        name="raw_features", train=train, test=test, classes=("normal", "enlarged", "fragmented", "condensed")
    )


def planted(effect: float, confounding: float, number: int = 600) -> Subject:
    options = {"plate_effect": effect, "confounding": confounding, "floor": "intensity"}
    return subject(features(cells(number, **options)), features(cells(number // 3, "test", **options)))


def test_a_planted_plate_effect_is_shown_by_leave_plate_out() -> None:
    fooled, honest = (LeaveGroupOut()(planted(effect, 0.8)) for effect in (1.0, 0.0))
    assert fooled["groups"] == 4
    assert fooled["gap"] > 0.15
    assert honest["gap"] < 0.08


def test_batch_correction_removes_it() -> None:
    result = BatchCorrection()(planted(1.0, 0.5))
    scores = {name: s["balanced_accuracy"] for name, s in result["corrections"].items()}
    assert result["reference"] == "the control cells of a batch"
    assert scores["centre_scale"] > scores["uncorrected"] + 0.1
    assert scores["spherize"] > scores["uncorrected"]
    assert result["balanced_accuracy"] == scores["centre_scale"]


@pytest.mark.parametrize("name", sorted(CORRECTIONS))
def test_a_correction_undoes_a_shift_and_scale_of_each_batch(name: str) -> None:
    rng = np.random.default_rng(0)
    clean = rng.normal(size=(400, 6)).astype(np.float32)
    batches = np.arange(400) % 2
    shifted = np.where(batches[:, None] == 1, clean * 3 + 5, clean).astype(np.float32)
    controls = rng.random(400) < 0.5
    made = CORRECTIONS[name](Population(shifted, np.zeros(400, np.int64), batches, controls, None))
    assert made.shape == shifted.shape
    assert np.isfinite(made).all()
    before, after = (abs(v[batches == 0].mean() - v[batches == 1].mean()) for v in (shifted, made))
    assert after < 0.05 * before


def test_equal_priors_raise_the_recall_of_the_rare() -> None:
    shares = np.array([[0.8, 0.2], [0.95, 0.05]], np.float32)
    adjusted = equal_priors(shares, np.array([0] * 90 + [1] * 10))
    assert adjusted.argmax(axis=1).tolist() == [1, 0]
    assert np.allclose(adjusted.sum(axis=1), 1)
    assert adjusted[0, 1] > adjusted[1, 1]


def test_balanced_linear_beats_the_plain_probe_on_rare_classes() -> None:
    from sklearn.metrics import balanced_accuracy_score

    from vicreg_core.classifiers.linear import linear_probe

    rng = np.random.default_rng(0)
    labels = (rng.random(1500) < 0.1).astype(np.int64)
    vectors = (rng.normal(size=(1500, 4)) + labels[:, None] * 0.8).astype(np.float32)
    parts = [
        Features(ids=range(750), vectors=vectors[r], labels=labels[r]) for r in (slice(750), slice(750, None))
    ]
    made = build_balanced_linear(None)(Subject(name="x", train=parts[0], test=parts[1], classes=("a", "b")))
    plain = linear_probe(parts[0].vectors, parts[0].labels, parts[1].vectors, 2).probabilities.argmax(axis=1)
    assert made["metric"] == "balanced_accuracy"
    assert made["balanced_accuracy"] > balanced_accuracy_score(parts[1].labels, plain) + 0.1
    assert "auroc_interval" in made


def test_the_neighbour_from_another_plate_is_not_the_plates() -> None:
    rng = np.random.default_rng(0)
    labels, plates = np.arange(200) % 2, np.arange(200) // 100
    vectors = rng.normal(size=(200, 8)).astype(np.float32) * 0.1
    vectors[:, 0] += np.where(labels == plates, 1.0, -1.0) * 5
    vectors[:, 1] += plates * 5
    train = Features(ids=range(200), vectors=vectors, labels=labels, groups=plates)
    made = NotSameBatch()(subject(train))
    assert made["accuracy_same_batch_allowed"] == 1.0
    assert made["accuracy"] < 0.3


def test_replicates_are_retrieved_where_there_is_a_phenotype() -> None:
    result = ReplicateRetrieval()(planted(0.0, 0.0))
    assert result["mean_average_precision"] > 0.7
    assert len(result["per_class"]) == 4


def test_profiles_are_means_by_label_batch_and_well() -> None:
    pool = population(planted(0.0, 0.0, 60), "test")
    vectors, labels, batches = aggregate(pool)
    wells = list(zip(labels, batches, strict=True))
    assert len(set(wells)) <= len(wells) <= len(pool.labels)
    first = (pool.labels == labels[0]) & (pool.batches == batches[0])
    well = np.unique(pool.wells[first])[0]
    assert np.allclose(vectors[0], pool.vectors[first & (pool.wells == well)].mean(axis=0), rtol=1e-4)


def test_data_without_groups_is_told_what_to_name() -> None:
    data = cells()
    with pytest.raises(RunError, match=r"data\.label and data\.group"):
        LeaveGroupOut()(subject(features(data, groups=None)))
    with pytest.raises(RunError, match="all cells are of group p"):
        NotSameBatch()(subject(features(data, groups=np.array(["p"] * 48))))
