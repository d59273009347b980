"""Accuracy under corruption: a probe of clean samples meets worse ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.evaluation.arrays import blobs, subject
from tests.evaluation.toy import Net, NetConfig, Noise, NoiseConfig, Points, PointsConfig
from vicreg_core.classifiers.linear import linear_probe
from vicreg_core.contracts import Augmentation
from vicreg_core.contracts.keys import Keys
from vicreg_core.contracts.severity import SEVERITIES, strength
from vicreg_core.evaluation.evaluate import evaluate
from vicreg_core.evaluation.metrics.table import sentences
from vicreg_core.evaluation.protocols.robustness import Robustness
from vicreg_core.evaluation.subjects.bench import Bench
from vicreg_core.evaluation.subjects.subject import Corrupted
from vicreg_core.inference.embedder import CorruptedBlock, Embedder

CORRUPTIONS = {"flip": "a share of the answers is wrong", "none": "nothing"}


def corrupted_by_hand(train: Any, labels: Any, test: Any, test_labels: Any, rows: Any, **groups: Any) -> Any:
    """A subject whose corruption ``flip`` gives a tenth of the samples a severity another class."""
    centres = np.stack([train[labels == k].mean(axis=0) for k in range(3)])

    def blocks(most: int) -> Corrupted:
        def made() -> Any:
            for start in range(0, len(rows), 7):
                place = slice(start, min(start + 7, len(rows)))
                truth = test_labels[rows[place]]
                for severity in SEVERITIES:
                    wrong = np.arange(place.start, place.stop) % 10 < severity
                    yield CorruptedBlock("flip", severity, place, centres[(truth + wrong) % 3])
                    yield CorruptedBlock("none", severity, place, test[rows[place]])

        return Corrupted(rows, made())

    return subject(train, labels, test, test_labels, corruptions=CORRUPTIONS, corrupted=blocks, **groups)


def test_accuracies_are_those_of_a_probe_that_learnt_from_clean_samples():
    data = blobs(n=240, spread=0.5)
    rows = np.arange(100)[::-1].copy()
    result = Robustness()(corrupted_by_hand(*data, rows))
    mean, flip, none = result["rows"]
    assert [row["name"] for row in result["rows"]] == ["mean", "flip", "none"]
    assert flip["by_severity"] == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5])
    assert flip["accuracy"] == pytest.approx(0.7)
    clean = float((linear_probe(*data[:3], 3).probabilities.argmax(axis=1) == data[3])[rows].mean())
    assert result["clean"] == none["accuracy"] == clean
    assert none["by_severity"] == [pytest.approx(clean)] * 5
    assert mean["accuracy"] == pytest.approx((0.7 + clean) / 2)
    assert all(row["n"] == 100 for row in result["rows"])


def test_the_interval_takes_a_sample_with_all_that_was_done_to_it():
    data = blobs(n=240, spread=0.5)
    flip = Robustness()(corrupted_by_hand(*data, np.arange(100)))["rows"][1]
    # Of ten samples one is wrong at all severities, one at four, ...: the deviation of such a mean of five.
    wrong = np.array([5, 4, 3, 2, 1, 0, 0, 0, 0, 0]) / 5
    half = 1.96 * wrong.std() / 10
    assert flip["interval"] == pytest.approx([0.7 - half, 0.7 + half], abs=0.012)


def test_groups_are_drawn_whole():
    data = blobs(n=240, spread=0.5)
    alone = Robustness()(corrupted_by_hand(*data, np.arange(100)))["rows"][1]["interval"]
    groups = {"train_groups": np.arange(240) // 4, "test_groups": np.arange(120) % 10}
    whole = Robustness()(corrupted_by_hand(*data, np.arange(100), **groups))["rows"][1]["interval"]
    # Each group holds samples that fare alike, so that they say less than as many independent ones.
    assert whole[1] - whole[0] > 2 * (alone[1] - alone[0])


def test_what_cannot_be_corrupted_is_skipped_with_the_reason():
    plain = subject(*blobs())
    assert "encoder" in Robustness()(plain)["skipped"]
    no_corruptions = subject(*blobs(), corrupted=lambda most: None)
    assert "offers no corruptions" in Robustness()(no_corruptions)["skipped"]


def make_bench(n: int = 60, **data: Any) -> Bench:
    train = Points(PointsConfig(n=120, **data))
    return Bench(
        train=train,
        test=Points(PointsConfig(n=n, **data), "test"),
        augmentation=Noise(NoiseConfig(), train.info),
    )


def make_net(bench: Bench) -> Net:
    torch.manual_seed(0)
    return Net(NetConfig(), bench.train.info)


@pytest.fixture(scope="module")
def evaluated() -> dict[str, Any]:
    bench = make_bench()
    return evaluate(make_net(bench), bench, {"robustness": None}, untrained=lambda: make_net(bench))


def test_floors_stand_beside_it(evaluated):
    rows = evaluated["protocols"]["robustness"]["rows"]
    assert [row["name"] for row in rows] == ["mean", "spread", "shrink"]
    assert all("untrained encoder" in row["verdict"] for row in rows)
    assert [len(row["by_severity"]) for row in rows] == [5, 5, 5]
    assert "skipped" in evaluated["baselines"]["raw_features"]["robustness"]


def test_severity_costs_accuracy(evaluated):
    for row in evaluated["protocols"]["robustness"]["rows"]:
        assert row["clean"] + 0.05 > row["by_severity"][0] > row["by_severity"][-1]


def test_it_is_said_in_words(evaluated):
    said = next(iter(sentences(evaluated)))
    assert said.startswith("robustness: accuracy 0.")
    assert "severity 5" in said


def test_a_sample_is_corrupted_alike_in_any_batch_and_choice():
    bench = make_bench()
    whole = vectors(bench, np.arange(60), batch_size=256)
    part = vectors(bench, np.array([50, 3, 17]), batch_size=2)
    assert whole.keys() == part.keys() == {(c, s) for c in ("spread", "shrink") for s in SEVERITIES}
    for which, made in part.items():
        np.testing.assert_allclose(made, whole[which][[50, 3, 17]], atol=1e-6)


def test_another_seed_draws_otherwise():
    bench, rows = make_bench(), np.arange(60)
    first, again, other = (vectors(bench, rows, seed=seed)["spread", 3] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.1


@pytest.mark.parametrize("in_memory", [True, False])
def test_every_road_of_data_is_open(in_memory):
    bench = make_bench(in_memory=in_memory)
    assert len(vectors(bench, np.arange(60))) == 10


def vectors(bench: Bench, rows: Any, batch_size: int = 16, seed: int = 0) -> dict[tuple[str, int], Any]:
    embedder = Embedder(
        make_net(bench),
        bench.augmentation,
        device=torch.device("cpu"),
        batch_size=batch_size,
        workers=0,
    )
    made: dict[tuple[str, int], Any] = {}
    for block in embedder.embed_corrupted(bench.test, rows, seed):  # type: ignore[arg-type]
        which = block.corruption, block.severity
        made.setdefault(which, np.full((len(rows), 8), np.nan))[block.place] = block.vectors
    assert all(np.isfinite(each).all() for each in made.values())
    return made


def test_at_most_so_many_samples_are_corrupted(monkeypatch):
    monkeypatch.setattr("vicreg_core.evaluation.protocols.robustness.MAX_SAMPLES", 20)
    bench = make_bench()
    result = evaluate(make_net(bench), bench, {"robustness": None}, baselines=False)["protocols"][
        "robustness"
    ]
    assert result["n"] == 20


def test_unlabelled_data_are_skipped():
    bench = make_bench(labelled=False)
    result = evaluate(make_net(bench), bench, {"robustness": None}, baselines=False)
    assert "labels" in result["protocols"]["robustness"]["skipped"]


def test_an_augmentation_offers_nothing_by_itself():
    keys = Keys.of(0, 0, torch.arange(2), 0)
    assert Augmentation().corruptions == {}
    with pytest.raises(ValueError, match="Augmentation offers no corruption 'noise'"):
        Augmentation().corrupt(torch.zeros(2, 3), "noise", 1, keys)


def test_a_wrong_name_or_severity_is_named():
    table = {"noise": (1.0, 2.0, 3.0, 4.0, 5.0)}
    assert [strength(table, "noise", severity) for severity in SEVERITIES] == [1, 2, 3, 4, 5]
    with pytest.raises(ValueError, match=r"no corruption 'nose' \(there are: noise"):
        strength(table, "nose", 1)
    for severity in (0, 6, -1):
        with pytest.raises(ValueError, match=f"1 to 5, got {severity}"):
            strength(table, "noise", severity)
