"""The holdout is a function of ids, labels, groups and seed, and never crosses a group."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vicreg_core.contracts import DataInfo, DatasetAdapter
from vicreg_core.data.holdout import holdout_split
from vicreg_core.data.subset import Subset
from vicreg_core.errors import DataError


class Listed(DatasetAdapter):
    def __init__(self, ids, labels=None, groups=None):
        self.ids, self.labels, self.groups = ids, labels, groups
        self.info, self.classes = DataInfo(), ("a", "b", "c")


def listed(n=100, groups=None, seed=0):
    labels = np.random.default_rng(seed).integers(3, size=n)
    return Listed([f"s{i}" for i in range(n)], labels, groups)


def test_parts_are_disjoint_and_whole():
    kept, held = holdout_split(listed(), 0.2, seed=0)
    assert sorted([*kept, *held]) == list(range(100))
    assert np.array_equal(held, np.sort(held))


def test_every_class_gives_its_share():
    data = listed(1000)
    _, held = holdout_split(data, 0.2, seed=0)
    share = np.bincount(data.labels[held]) / np.bincount(data.labels)
    np.testing.assert_allclose(share, 0.2, atol=0.01)


def test_order_of_the_samples_does_not_matter():
    data = listed()
    shuffled = Subset(data, np.random.default_rng(1).permutation(100))
    _, held = holdout_split(data, 0.2, seed=0)
    _, again = holdout_split(shuffled, 0.2, seed=0)
    assert {data.ids[i] for i in held} == {shuffled.ids[i] for i in again}


def test_seeds_differ():
    draws = [tuple(holdout_split(listed(), 0.2, seed)[1]) for seed in range(3)]
    assert len(set(draws)) == 3


def test_rare_classes_are_on_both_sides_and_a_single_sample_is_trained_on():
    data = Listed([f"s{i}" for i in range(13)], np.array([0] * 10 + [1] * 2 + [2]))
    kept, held = holdout_split(data, 0.1, seed=0)
    assert set(data.labels[held]) == {0, 1}
    assert set(data.labels[kept]) == {0, 1, 2}


@given(seed=st.integers(0, 2**31), fraction=st.floats(0.05, 0.95), groups=st.integers(2, 12))
def test_no_group_is_on_both_sides(seed, fraction, groups):
    generator = np.random.default_rng(seed)
    names = generator.permutation(np.arange(60) % groups)
    kept, held = holdout_split(listed(60, names, seed), fraction, seed)
    assert not set(names[kept]) & set(names[held])
    assert len(kept)
    assert len(held)


def test_groups_come_near_the_share():
    groups = np.random.default_rng(0).integers(40, size=2000)
    data = listed(2000, groups)
    _, held = holdout_split(data, 0.25, seed=3)
    share = np.bincount(data.labels[held]) / np.bincount(data.labels)
    np.testing.assert_allclose(share, 0.25, atol=0.03)


def test_what_cannot_be_split():
    with pytest.raises(DataError, match="all samples are of one group"):
        holdout_split(listed(10, np.zeros(10)), 0.2, seed=0)
    with pytest.raises(DataError, match="too few"):
        holdout_split(Listed(["a"], np.array([0])), 0.2, seed=0)
    with pytest.raises(ValueError, match="between 0 and 1, got 1"):
        holdout_split(listed(), 1.0, seed=0)
