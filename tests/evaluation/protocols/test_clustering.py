"""k-means against the classes."""

from __future__ import annotations

import numpy as np

from tests.evaluation.arrays import blobs, subject
from vicreg_core.evaluation.protocols.clustering import Clustering, cluster


def test_classes_far_apart_are_found():
    train, labels, _, _ = blobs(n=90)
    corners = 10 * np.eye(3, dtype=np.float32)[labels] + np.random.default_rng(0).random((90, 3), np.float32)
    result = Clustering()(subject(train, labels, corners, labels))
    assert result["nmi"] > 0.99
    assert result["ari"] > 0.99
    assert result["clusters"] == 3


def test_noise_scores_nothing():
    generator = np.random.default_rng(0)
    noise = [generator.normal(size=(n, 6)).astype(np.float32) for n in (200, 200)]
    labels = generator.integers(4, size=200)
    result = Clustering()(subject(noise[0], labels, noise[1], labels))
    assert result["nmi"] < 0.1
    assert abs(result["ari"]) < 0.05
    assert result["interval"][0] <= result["nmi"] <= result["interval"][1]


def test_the_seed_decides():
    points = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    assert np.array_equal(cluster(points, 8, 0), cluster(points, 8, 0))
    assert not np.array_equal(cluster(points, 8, 0), cluster(points, 8, 1))


def test_length_of_a_vector_does_not_matter():
    points = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    scaled = points * np.geomspace(0.01, 100, 100, dtype=np.float32)[:, None]
    assert np.array_equal(cluster(points, 5, 0), cluster(scaled, 5, 0))
