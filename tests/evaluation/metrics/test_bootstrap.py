"""Intervals cover the truth as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from vicreg_core.classifiers.intervals import wilson_interval
from vicreg_core.evaluation.metrics.bootstrap import (
    bootstrap_mean,
    mean_interval,
    percentile_interval,
    resampled_weights,
)


def coverage(truth, intervals):
    return np.mean([low <= truth <= high for low, high in intervals])


def test_bootstrap_covers_a_mean():
    generator = np.random.default_rng(0)
    intervals = [bootstrap_mean(generator.exponential(size=100), None, seed) for seed in range(200)]
    assert 0.9 < coverage(1.0, intervals) < 0.99


def test_cluster_bootstrap_covers_where_samples_are_not_independent():
    generator, groups = np.random.default_rng(0), np.repeat(np.arange(40), 5)
    naive, clustered = [], []
    for seed in range(150):
        values = generator.normal(size=40)[groups] + 0.3 * generator.normal(size=200)
        naive.append(bootstrap_mean(values, None, seed))
        clustered.append(bootstrap_mean(values, groups, seed))
    assert coverage(0.0, naive) < 0.7
    assert 0.87 < coverage(0.0, clustered) < 0.99


@pytest.mark.parametrize("share", [0.5, 0.98])
def test_wilson_covers_a_proportion(share):
    correct = np.random.default_rng(0).binomial(100, share, size=1000)
    assert 0.92 < coverage(share, [wilson_interval(c, 100) for c in correct]) < 0.98


def test_wilson_has_width_where_all_is_right_or_wrong():
    low, high = wilson_interval(30, 30)
    assert 0.88 < low < 0.89
    assert high == pytest.approx(1.0)
    assert wilson_interval(0, 30)[0] == 0.0


def test_student_covers_a_mean_of_few():
    draws = np.random.default_rng(0).normal(size=(1000, 5))
    assert 0.93 < coverage(0.0, [mean_interval(list(draw)) for draw in draws]) < 0.97


@pytest.mark.parametrize("sizes", [np.ones(50, np.int64), np.arange(1, 51)])
def test_weights_are_a_resample(sizes):
    draws = int(sizes.sum())
    weights = np.concatenate(list(resampled_weights(sizes, draws, seed=0, resamples=400)))
    assert weights.shape == (400, 50)
    assert (weights.sum(axis=1) == draws).all()
    np.testing.assert_allclose(weights.mean(axis=0), sizes, rtol=0.35)
    np.testing.assert_allclose(weights.var(axis=0).sum(), (sizes * (1 - sizes / draws)).sum(), rtol=0.1)


def test_blocks_are_whole_and_reproducible(monkeypatch):
    monkeypatch.setattr("vicreg_core.evaluation.metrics.bootstrap._BLOCK_ENTRIES", 500)
    sizes = np.ones(50, np.int64)
    blocks = list(resampled_weights(sizes, 10, seed=0, resamples=30))
    assert len(blocks) == 3
    assert sum(map(len, blocks)) == 30
    again = resampled_weights(sizes, 10, seed=0, resamples=30)
    assert all(np.array_equal(a, b) for a, b in zip(blocks, again, strict=True))


def test_undefined_resamples_are_left_out():
    low, high = percentile_interval(np.array([np.nan, 1.0, 2.0, 3.0]))
    assert 1.0 <= low < high <= 3.0
    assert percentile_interval(np.array([np.nan])) is None
