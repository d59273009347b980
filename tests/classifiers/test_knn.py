"""The weighted kNN classifier equals scikit-learn's on the same vectors."""

from __future__ import annotations

import numpy as np
import pytest

from tests.evaluation.arrays import blobs, subject
from vicreg_core.classifiers.knn import knn_probabilities
from vicreg_core.classifiers.neighbours import nearest
from vicreg_core.evaluation.protocols.knn import WeightedKNN


@pytest.mark.parametrize("k", [1, 5, 20])
@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_equals_scikit_learn(k, temperature):
    from sklearn.neighbors import KNeighborsClassifier

    train, labels, test, _ = blobs(classes=4)
    ours = knn_probabilities(train, labels, test, 4, ks=[k], temperature=temperature)[k]
    theirs = KNeighborsClassifier(
        k, metric="cosine", algorithm="brute", weights=lambda distance: np.exp((1 - distance) / temperature)
    ).fit(train, labels)
    np.testing.assert_allclose(ours, theirs.predict_proba(test), atol=1e-4)
    assert (ours.argmax(axis=1) == theirs.predict(test)).mean() > 0.99


def test_each_k_is_the_same_alone_and_in_a_grid():
    train, labels, test, _ = blobs()
    grid = knn_probabilities(train, labels, test, 3, ks=(1, 5, 20))
    for k, together in grid.items():
        alone = knn_probabilities(train, labels, test, 3, ks=[k])[k]
        np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize(("queries", "gallery"), [(1, 7), (16, 50), (1000, 3)])
def test_blocks_change_nothing(queries, gallery):
    train, _, test, _ = blobs()
    whole = nearest(test, train, 9)
    blocked = nearest(test, train, 9, query_block=queries, gallery_block=gallery)
    np.testing.assert_allclose(blocked.similarity, whole.similarity, atol=1e-6)
    assert (blocked.row == whole.row).all()


def test_neighbours_are_exact():
    from sklearn.neighbors import NearestNeighbors

    train, _, test, _ = blobs()
    distance, row = (
        NearestNeighbors(n_neighbors=9, metric="cosine", algorithm="brute").fit(train).kneighbors(test)
    )
    ours = nearest(test, train, 9, gallery_block=31)
    np.testing.assert_allclose(ours.similarity, 1 - distance, atol=1e-5)
    assert (ours.row.numpy() == row).all()


def test_a_gallery_on_disk(tmp_path):
    train, _, test, _ = blobs()
    np.save(tmp_path / "gallery.npy", train)
    mapped = np.load(tmp_path / "gallery.npy", mmap_mode="r+")
    assert (nearest(test, mapped, 3, gallery_block=10).row == nearest(test, train, 3).row).all()


def test_a_tiny_temperature_does_not_overflow():
    train, labels, test, _ = blobs()
    assert np.isfinite(knn_probabilities(train, labels, test, 3, ks=[5], temperature=1e-4)[5]).all()


@pytest.mark.parametrize("ks", [[], [0], [1000]])
def test_impossible_k(ks):
    train, labels, test, _ = blobs()
    with pytest.raises(ValueError, match="knn needs 1 <= k <= 120"):
        knn_probabilities(train, labels, test, 3, ks=ks)


def test_protocol_reports_the_fixed_k_even_where_another_is_better():
    result = WeightedKNN()(subject(*blobs()))
    assert result["k"] == 20
    assert result["accuracy"] == result["accuracy_by_k"]["20"]
    assert set(result["accuracy_by_k"]) == {"1", "5", "20"}
    few = blobs(n=9)
    assert WeightedKNN()(subject(*few))["k"] == 9
