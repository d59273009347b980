"""Nearest samples, as typed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.evaluation.toy import Points, PointsConfig
from vicreg_core.decisions.search import search_run
from vicreg_core.errors import RunError
from vicreg_core.pretrained import PretrainedEncoder, load


def test_the_nearest_of_a_sample_are_those_of_the_reference(run, vicreg):
    data = Points(PointsConfig())
    vectors = load(run).encode(data.points).astype(np.float64)
    centred = vectors - vectors.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    order = [row for row in np.argsort(-(unit @ unit[7])) if row != 7][:4]
    done = vicreg("search", run, data.ids[7], "--k", 4, "--json")
    assert done.exit_code == 0, done.output
    hits = json.loads(done.stdout)
    assert [hit["id"] for hit in hits] == [data.ids[row] for row in order]
    np.testing.assert_allclose([hit["similarity"] for hit in hits], unit[order] @ unit[7], atol=1e-5)


def test_labels_and_splits_are_told(known, vicreg, truth):
    hits = search_run(known, next(iter(truth)), 59)
    assert len(hits) == 59
    assert {hit.split for hit in hits} == {"train", "test"}
    assert all(hit.label == truth[hit.id] for hit in hits)
    done = vicreg("search", known, next(iter(truth)), "--k", 3)
    assert done.stdout.splitlines()[0].split() == ["similarity", "label", "split", "id"]
    assert len(done.stdout.splitlines()) == 4


def test_something_new_is_encoded(run, monkeypatch):
    data = Points(PointsConfig())
    vector = load(run).encode(data.points[7:8])
    monkeypatch.setattr(PretrainedEncoder, "encode", lambda self, items, **_: vector)
    hits = search_run(run, "something new", 3)
    assert hits[0].id == data.ids[7]
    assert hits[0].similarity == pytest.approx(1, abs=1e-5)


def test_what_is_neither_an_id_nor_a_sample(run):
    with pytest.raises(RunError, match=r"'nobody' is the id of no sample, and cannot be read as one"):
        search_run(run, "nobody")
