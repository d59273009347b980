"""Figures of constructed spectra with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from tests.evaluation.arrays import blobs, subject
from vicreg_core.evaluation.metrics.spectrum import (
    alignment,
    alpha_req,
    covariance_spectrum,
    lidar,
    rankme,
    uniformity,
)
from vicreg_core.evaluation.protocols.rank import RankDiagnostics


def with_singular_values(values, n=400, seed=0):
    """``(n, len(values))`` centred vectors with these singular values, in a random rotation."""
    generator = np.random.default_rng(seed)
    left = generator.normal(size=(n, len(values)))
    left = np.linalg.qr(left - left.mean(axis=0))[0]
    right = np.linalg.qr(generator.normal(size=(len(values), len(values))))[0]
    return (left * values) @ right


def test_spectrum_is_that_of_the_covariance():
    vectors = with_singular_values(np.array([8.0, 4.0, 2.0, 1.0]))
    expected = np.linalg.eigvalsh(np.cov(vectors.T))[::-1]
    np.testing.assert_allclose(covariance_spectrum(vectors), expected)
    wide = vectors[:3]
    np.testing.assert_allclose(covariance_spectrum(wide), np.linalg.eigvalsh(np.cov(wide.T))[::-1][:2])


@pytest.mark.parametrize("rank", [1, 5, 20])
def test_rankme_counts_equal_directions(rank):
    vectors = with_singular_values(np.r_[np.ones(rank), np.zeros(20 - rank)])
    assert rankme(vectors) == pytest.approx(rank, rel=1e-4)


def test_rankme_of_a_known_spectrum():
    share = np.array([0.5, 0.25, 0.125, 0.125])
    vectors = with_singular_values(share)
    assert rankme(vectors) == pytest.approx(np.exp(-(share * np.log(share)).sum()), rel=1e-4)


def test_rankme_of_a_collapsed_representation():
    assert rankme(np.zeros((10, 4))) == 0.0
    assert rankme(np.ones((10, 4))) == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("dims", [12, 60, 300])
def test_alpha_of_a_power_law(alpha, dims):
    assert alpha_req(np.arange(1.0, dims + 1) ** -alpha) == pytest.approx(alpha)


def test_alpha_of_too_few_directions():
    assert alpha_req(np.array([1.0, 0.5])) is None
    assert alpha_req(np.zeros(10)) is None
    assert alpha_req(np.r_[np.ones(2), np.zeros(100)]) is None


def test_lidar_counts_directions_that_tell_samples_apart():
    generator = np.random.default_rng(0)
    samples = with_singular_values(np.r_[np.full(6, 20.0), np.zeros(14)])
    views = samples[:, None] + generator.normal(scale=1e-3, size=(400, 5, 20))
    assert lidar(views) == pytest.approx(6, rel=0.01)


def test_lidar_ignores_directions_in_which_views_of_a_sample_differ():
    generator = np.random.default_rng(0)
    samples = np.zeros((400, 20))
    samples[:, :7] = with_singular_values(np.full(7, 20.0))
    quiet = samples[:, None] + generator.normal(scale=1e-3, size=(400, 8, 20))
    loud = quiet + generator.normal(scale=1000, size=(400, 8, 1)) * np.eye(20)[3]
    assert lidar(quiet) == pytest.approx(7, rel=0.01)
    assert lidar(loud) == pytest.approx(lidar(np.delete(quiet, 3, axis=2)), rel=0.01)


def test_lidar_groups_views_by_sample():
    generator = np.random.default_rng(0)
    samples = with_singular_values(np.geomspace(100, 1, 10))
    views = samples[:, None] + generator.normal(scale=0.05, size=(400, 4, 10))
    mixed = views.reshape(-1, 10)[generator.permutation(1600)].reshape(400, 4, 10)
    assert abs(lidar(views) - lidar(mixed)) > 0.5


def test_alignment():
    point = np.random.default_rng(0).normal(size=(30, 1, 5))
    assert alignment(np.repeat(point, 3, axis=1)) == pytest.approx(0, abs=1e-9)
    assert alignment(np.concatenate([point, -2 * point], axis=1)) == pytest.approx(4)
    pair = np.random.default_rng(1).normal(size=(30, 2, 5))
    unit = pair / np.linalg.norm(pair, axis=2, keepdims=True)
    assert alignment(pair) == pytest.approx(((unit[:, 0] - unit[:, 1]) ** 2).sum(axis=1).mean())


def test_uniformity():
    assert uniformity(np.ones((10, 3))) == pytest.approx(0)
    square = np.array([[1.0, 0], [0, 2], [-3, 0], [0, -4]])
    expected = np.log((4 * np.exp(-4) + 2 * np.exp(-8)) / 6)
    assert uniformity(square) == pytest.approx(expected)


def test_protocol_works_with_and_without_views():
    data = subject(*blobs(dims=30))
    result = RankDiagnostics()(data)
    assert {row["name"] for row in result["rows"]} == {"rankme", "alpha_req", "uniformity"}
    assert result["comparable"] is False
    assert sum(result["spectrum"]) == pytest.approx(1, abs=1e-5)
    noise = np.random.default_rng(0).normal(size=(64, 8, 30)).astype(np.float32)
    with_views = RankDiagnostics()(subject(*blobs(dims=30), views=lambda n, v: noise[:n, :v]))
    assert with_views["n_with_views"] == 64
    assert with_views["lidar"] > 1
