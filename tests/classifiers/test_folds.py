"""Folds are even, stratified, and never cross a group."""

from __future__ import annotations

import numpy as np

from vicreg_core.classifiers.folds import assign_folds, most_folds

LABELS = np.random.default_rng(0).integers(4, size=203)


def test_every_fold_has_its_part_of_every_class():
    fold = assign_folds(LABELS, None, 5, seed=0)
    table = np.array([[np.sum((fold == f) & (c == LABELS)) for c in range(4)] for f in range(5)])
    assert (table.max(axis=0) - table.min(axis=0) <= 1).all()
    assert np.ptp(table.sum(axis=1)) <= 1


def test_the_seed_decides():
    assert not np.array_equal(assign_folds(LABELS, None, 5, 0), assign_folds(LABELS, None, 5, 1))
    assert np.array_equal(assign_folds(LABELS, None, 5, 1), assign_folds(LABELS, None, 5, 1))


def test_no_group_is_in_two_folds():
    groups = np.random.default_rng(1).integers(17, size=len(LABELS))
    fold = assign_folds(LABELS, groups, 5, seed=0)
    assert set(fold) == set(range(5))
    assert all(len(set(fold[groups == group])) == 1 for group in set(groups))


def test_as_many_folds_as_the_data_allow():
    assert most_folds(np.repeat([0, 1], 10), None, 5) == 5
    assert most_folds(np.repeat([0, 1], 3), None, 5) == 3
    assert most_folds(np.array([0] * 20 + [1]), None, 5) == 5
    assert most_folds(np.repeat([0, 1], 10), np.arange(20) % 2, 5) == 2
    assert most_folds(np.array([0, 1, 2]), None, 5) == 1
