"""Which samples to label."""

from __future__ import annotations

import numpy as np
import pytest

from tests.classifiers.blobs import blobs, pool
from vicreg_core.classifiers.typical import typical, unsure

FREE = np.ones(150, dtype=bool)


@pytest.fixture
def unit() -> np.ndarray:
    return pool(1)[0].unit.numpy()


def test_each_part_of_the_data_gives_its_most_typical_sample(unit):
    chosen = typical(unit, 3, np.empty(0, int), FREE, seed=0)
    truth = blobs()[1]
    assert sorted(truth[chosen]) == [0, 1, 2]
    for row in chosen:
        others = unit[truth == truth[row]]
        closeness = np.sort(others @ others.T, axis=1)[:, -21:-1].mean(axis=1)
        own = np.sort(unit[row] @ others.T)[-21:-1].mean()
        assert own >= np.quantile(closeness, 0.9)


def test_parts_with_a_label_come_last(unit):
    truth = blobs()[1]
    labelled = np.flatnonzero(truth == 1)[:1]
    allowed = FREE.copy()
    allowed[labelled] = False
    assert sorted(truth[typical(unit, 2, labelled, allowed, seed=0)]) == [0, 2]


def test_it_never_repeats_or_suggests_what_is_not_allowed(unit):
    allowed = FREE.copy()
    allowed[::2] = False
    chosen = typical(unit, 100, np.flatnonzero(~allowed)[:10], allowed, seed=0)
    assert len(set(chosen.tolist())) == len(chosen) == 75
    assert allowed[chosen].all()


def test_it_is_a_function_of_the_seed(unit):
    first, again, other = (typical(unit, 20, np.empty(0, int), FREE, seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_at_most_one_of_a_group(unit):
    groups = np.arange(150) % 11
    assert len(set(groups[typical(unit, 30, np.empty(0, int), FREE, 0, groups)])) == 11
    shares = np.random.default_rng(0).dirichlet([1, 1, 1], 150).astype(np.float32)
    assert len(set(groups[unsure(shares, unit, 11, FREE, 0, groups)])) == 11


def test_unsure_ones_are_those_with_the_least_margin_from_all_over(unit):
    shares = np.tile(np.float32([0.8, 0.1, 0.1]), (150, 1))
    torn = np.arange(0, 150, 5)
    shares[torn] = [0.4, 0.4, 0.2]
    chosen = unsure(shares, unit, 3, FREE, seed=0)
    assert set(chosen) <= set(torn)
    assert sorted(blobs()[1][chosen]) == [0, 1, 2]


def test_nothing_is_nothing(unit):
    shares = np.full((150, 3), 1 / 3, np.float32)
    assert len(typical(unit, 0, np.empty(0, int), FREE, 0)) == len(unsure(shares, unit, 0, FREE, 0)) == 0
