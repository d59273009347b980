"""Average precision equals scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest

from tests.evaluation.arrays import blobs, subject
from vicreg_core.evaluation.metrics.retrieval import retrieve
from vicreg_core.evaluation.protocols.retrieval import Retrieval


def test_equals_scikit_learn():
    from sklearn.metrics import average_precision_score
    from sklearn.metrics.pairwise import cosine_similarity

    gallery, labels, queries, wanted = blobs(spread=2.0)
    scores = retrieve(queries, wanted, gallery, labels, at=(1, 10))
    similarity = cosine_similarity(queries, gallery)
    expected = [average_precision_score(labels == w, s) for w, s in zip(wanted, similarity, strict=True)]
    np.testing.assert_allclose(scores.average_precision, expected, atol=1e-6)
    top = labels[np.argsort(-similarity, axis=1)] == wanted[:, None]
    np.testing.assert_allclose(scores.precision, np.stack([top[:, :k].mean(1) for k in (1, 10)], axis=1))


def test_queries_without_anything_relevant_are_left_out():
    gallery, labels, queries, wanted = blobs()
    wanted = wanted.copy()
    wanted[:5] = 7
    scores = retrieve(queries, wanted, gallery, labels, at=(1,))
    assert scores.queries.tolist() == list(range(5, len(queries)))
    with pytest.raises(ValueError, match="nothing is relevant"):
        retrieve(queries, np.full(len(queries), 7), gallery, labels, at=(1,))


def test_blocks_change_nothing(monkeypatch):
    gallery, labels, queries, wanted = blobs()
    whole = retrieve(queries, wanted, gallery, labels, at=(5,))
    monkeypatch.setattr("vicreg_core.evaluation.metrics.retrieval._QUERY_BLOCK", 7)
    blocked = retrieve(queries, wanted, gallery, labels, at=(5,))
    np.testing.assert_allclose(blocked.average_precision, whole.average_precision)


def test_protocol():
    result = Retrieval()(subject(*blobs(spread=0.1)))
    assert result["map"] > 0.9
    assert result["interval"][0] <= result["map"] <= result["interval"][1]
    assert set(result["precision_at"]) == {"1", "5", "10", "50"}
