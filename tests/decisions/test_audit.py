"""Planted faults of data and labels are found, and sound data is left in peace."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from tests.classifiers.blobs import CLASSES, blobs
from tests.decisions.conftest import read_csv
from vicreg_core.classifiers.pool import Pool
from vicreg_core.decisions.audit.aligned import Aligned
from vicreg_core.decisions.audit.groups import group_leak
from vicreg_core.decisions.audit.labels import disagreements, overlaps
from vicreg_core.decisions.audit.neighbourhood import Space, near_duplicates, others_near, outliers
from vicreg_core.decisions.audit.run import audit_run
from vicreg_core.errors import PluginError
from vicreg_core.files import is_whole, sealed
from vicreg_core.report.record import read_run


def unit_of(vectors: np.ndarray) -> np.ndarray:
    centred = torch.from_numpy(vectors) - torch.from_numpy(vectors).mean(dim=0)
    return F.normalize(centred, dim=1).numpy()


def test_neighbours_leave_the_sample_itself_out():
    vectors = np.concatenate([blobs(60)[0], blobs(60)[0][:5], blobs(60)[0][:5]])
    near = others_near(unit_of(vectors), 6)
    assert near.row.shape == near.similarity.shape == (70, 6)
    assert not (near.row.numpy() == np.arange(70)[:, None]).any()
    assert (near.similarity.diff(dim=1) <= 1e-6).all()


def test_an_index_finds_nearly_all_that_are_near():
    pytest.importorskip("faiss", reason="needs the extra: index")
    vectors = np.concatenate([blobs(3_000)[0], blobs(3_000)[0][:7]])
    exact, found = others_near(unit_of(vectors), 10), others_near(unit_of(vectors), 10, most_exact=100)
    assert found.row.shape == exact.row.shape
    assert not (found.row.numpy() == np.arange(len(vectors))[:, None]).any()
    shared = [len(set(a) & set(b)) for a, b in zip(exact.row.tolist(), found.row.tolist(), strict=True)]
    assert np.mean(shared) > 9.8
    assert (found.row.numpy()[-7:] == np.arange(7)[:, None]).any(axis=1).all()


def test_without_an_index_library_too_many_samples_are_refused(monkeypatch):
    monkeypatch.setattr("vicreg_core.decisions.audit.neighbourhood.find_spec", lambda name: None)
    with pytest.raises(PluginError, match=r"vicreg-suite\[index\]"):
        others_near(unit_of(blobs(200)[0]), 10, most_exact=100)


def test_planted_near_duplicates_are_found_and_no_others():
    generator = np.random.default_rng(0)
    wide = generator.standard_normal((400, 32)).astype(np.float32)
    copies = wide[:40] + 0.02 * generator.standard_normal((40, 32)).astype(np.float32)
    found = near_duplicates([Space.of(unit_of(np.concatenate([wide, copies])))])
    assert {(pair.first, pair.second) for pair in found} == {(i, 400 + i) for i in range(40)}
    assert [pair.similarity for pair in found] == sorted((pair.similarity for pair in found), reverse=True)


def test_sound_data_has_none():
    assert near_duplicates([Space.of(unit_of(blobs(300)[0]))]) == []


def test_one_of_several_spaces_is_enough():
    generator = np.random.default_rng(0)
    one, other = (generator.standard_normal((400, 32)).astype(np.float32) for _ in range(2))
    one = np.concatenate([one, one[:3] + 0.02 * one[3:6]])
    other = np.concatenate([other, other[5:8]])
    other[-3:] = generator.standard_normal((3, 32))
    other = np.concatenate([other[:-1], other[7:8]])
    found = {
        (pair.first, pair.second)
        for pair in near_duplicates([Space.of(unit_of(one)), Space.of(unit_of(other))])
    }
    assert found == {(0, 400), (1, 401), (2, 402), (7, 402)}


def test_exact_copies_of_one_sample():
    vectors = np.concatenate([blobs(60)[0], np.repeat(blobs(60)[0][:1], 4, axis=0)])
    found = {(pair.first, pair.second) for pair in near_duplicates([Space.of(unit_of(vectors))])}
    assert found == {(a, b) for a in (0, 60, 61, 62, 63) for b in (60, 61, 62, 63) if a < b}


def test_planted_wrong_labels_come_first():
    vectors, truth = blobs(300)
    labels = truth.copy()
    wrong = np.random.default_rng(0).permutation(300)[:20]
    labels[wrong] = (labels[wrong] + 1) % CLASSES
    pool = Pool(vectors, labels, CLASSES)
    found = disagreements(pool, others_near(pool.unit.numpy()))
    assert {each.row for each in found[:20]} == set(wrong.tolist())
    for each in found[:20]:
        assert each.expected == truth[each.row]
        assert labels[each.neighbour] == each.expected
        assert each.neighbour != each.row


def test_samples_without_a_label_are_not_doubted():
    vectors, truth = blobs(300)
    labels = np.where(np.arange(300) % 2, truth, -1)
    pool = Pool(vectors, labels, CLASSES)
    assert all(labels[each.row] >= 0 for each in disagreements(pool, others_near(pool.unit.numpy())))


def test_classes_that_overlap():
    vectors, truth = blobs(300)
    halves = np.where(truth == 2, 1 + np.arange(300) // 3 % 2, truth)  # classes 1 and 2 are one blob
    labels = np.where(truth == 1, 0, halves)
    pool = Pool(vectors, labels, CLASSES)
    pairs = {(a, b) for a, b, _ in overlaps(pool, others_near(pool.unit.numpy()))}
    assert pairs == {(1, 2), (2, 1)}


def test_outliers():
    generator = np.random.default_rng(3)
    vectors = np.concatenate([blobs(300, noise=0.1)[0], generator.standard_normal((3, 8)).astype(np.float32)])
    found = [row for row, _ in outliers(others_near(unit_of(vectors)))]
    assert set(found[:3]) == {300, 301, 302}
    assert outliers(others_near(unit_of(np.ones((30, 8), np.float32)))) == []


@pytest.mark.parametrize("leaks", [True, False])
def test_groups_that_tell_the_label(leaks):
    vectors, truth = blobs(300)
    groups = truth * 10 + np.arange(300) % 5 if leaks else np.arange(300) // 15
    near = others_near(unit_of(vectors))
    found = group_leak(groups, truth, CLASSES, near)
    assert found.by_majority == pytest.approx(1 / 3)
    assert (found.by_group > 0.95) == leaks
    assert (found.same_group > 2 * found.expected) == leaks


def test_the_command(known, vicreg):
    done = vicreg("audit", known)
    assert done.exit_code == 0, done.output
    assert "pairs of near-duplicates" in done.stdout
    assert "groups tell the label" in done.stdout
    names = {path.name for path in (known / "audit").iterdir()}
    assert names == {"audit.json", "duplicates.csv", "labels.csv", "classes.csv", "outliers.csv"}
    summary = json.loads((known / "audit" / "audit.json").read_text())
    assert is_whole(summary)
    assert summary["samples"] == 60
    assert len(read_csv(known / "audit" / "labels.csv")) == summary["doubts"]
    assert len(read_csv(known / "audit" / "duplicates.csv")) == summary["duplicates"]
    again = vicreg("audit", known)
    assert again.stdout == done.stdout


def test_the_report_shows_it_while_it_is_of_the_runs_model(known, vicreg):
    vicreg("evaluate", known, "--protocol", "knn")
    vicreg("audit", known)
    assert read_run(known).audit["samples"] == 60
    values = json.loads((known / "evaluation.json").read_text())
    del values["checksum"]
    (known / "evaluation.json").write_text(json.dumps(sealed({**values, "model": "another"})))
    record = read_run(known)
    assert record.audit is None
    assert any("audit is of another model" in line for line in record.missing)


def test_without_labels_only_samples_are_compared(run):
    audit = audit_run(run)
    assert audit.doubts == []
    assert audit.overlaps == []
    assert audit.scores == {}


def test_too_few_samples(run, vicreg):
    done = vicreg("audit", run, "data.n=2")
    assert done.exit_code == 2
    assert "there are 2" in done.stderr
    assert not (run / "audit").exists()


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """The highest over moves by up to two pixels, one move after the other."""
    best = -1.0
    for y, x in itertools.product(range(-2, 3), repeat=2):
        a = first[max(0, y) : len(first) + min(0, y), max(0, x) : first.shape[1] + min(0, x)]
        b = second[max(0, -y) : len(first) + min(0, -y), max(0, -x) : first.shape[1] + min(0, -x)]
        best = max(best, np.corrcoef(a.ravel(), b.ravel())[0, 1])
    return best


def test_pictures_are_laid_over_one_another():
    pictures = np.random.default_rng(0).integers(0, 256, (40, 18, 24)).astype(np.uint8)
    pictures[1] = np.roll(pictures[0], (2, -1), (0, 1)) // 2
    pictures[2] = 7
    near = others_near(unit_of(pictures.reshape(40, -1).astype(np.float32)), 12)
    aligned = Aligned.of(pictures, near)
    assert len(aligned.keys) < 40 * 39 / 2
    for key, distance in zip(aligned.keys.tolist(), aligned.distance.tolist(), strict=True):
        first, second = divmod(key, 40)
        expected = 0.0 if 2 in (first, second) else correlation(pictures[first], pictures[second])
        assert distance == pytest.approx(np.sqrt(2 - 2 * expected), abs=2e-3)


def test_a_picture_that_was_moved_is_a_near_duplicate():
    generator = np.random.default_rng(0)
    rough = np.repeat(np.repeat(generator.integers(0, 200, (300, 7, 7)), 4, axis=1), 4, axis=2)
    pictures = np.concatenate([rough, np.roll(rough[:5], 1, axis=2) * 0.9]).astype(np.uint8)
    vectors = pictures.reshape(len(pictures), -1).astype(np.float32)
    vectors += 40 * generator.standard_normal(vectors.shape).astype(np.float32)
    space = Space.of(unit_of(vectors))
    alone = {(pair.first, pair.second) for pair in near_duplicates([space])}
    found = {(pair.first, pair.second) for pair in near_duplicates([space], Aligned.of(pictures, space.near))}
    assert found == {(i, 300 + i) for i in range(5)}
    assert len(alone) < 5
