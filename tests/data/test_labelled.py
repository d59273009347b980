"""Data of which only some samples have a label: what is held out, drawn, and scored."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.test_holdout import Listed
from vicreg_core.data.holdout import holdout_split
from vicreg_core.data.labelled import count_labelled, labelled, labelled_first, labelled_rows
from vicreg_core.data.relabelled import Relabelled, without_class
from vicreg_core.errors import DataError


def partly(n: int = 100, known: int = 30, seed: int = 0, groups: np.ndarray | None = None) -> Listed:
    generator = np.random.default_rng(seed)
    labels = np.full(n, -1)
    labels[generator.choice(n, known, replace=False)] = generator.integers(3, size=known)
    return Listed([f"s{i}" for i in range(n)], labels, groups)


@given(st.integers(6, 60), st.floats(0.1, 0.5), st.integers(0, 9))
def test_only_labelled_samples_are_held_out(known, fraction, seed):
    data = partly(known=known, seed=seed)
    kept, held = holdout_split(data, fraction, seed)
    assert (data.labels[held] >= 0).all()
    assert sorted([*kept, *held]) == list(range(100))
    # The very split that the labelled samples alone have.
    rows = labelled_rows(data)
    _, alone = holdout_split(labelled(data), fraction, seed)
    assert np.array_equal(rows[alone], held)


@given(st.integers(0, 9))
def test_a_held_group_is_held_whole(seed):
    groups = np.arange(100) % 7
    data = partly(seed=seed, groups=groups)
    kept, held = holdout_split(data, 0.3, seed)
    assert not set(groups[kept]) & set(groups[held])
    assert (data.labels[held] >= 0).any()
    assert (data.labels[kept] >= 0).any()


def test_all_samples_without_groups_equal_the_split_before():
    data = partly(known=100)
    assert labelled(data) is data
    assert count_labelled(data) == ""


def test_labelled_samples_come_first_where_not_all_fit():
    data = partly(known=30)
    few, some = labelled_first(data, 10, seed=1), labelled_first(data, 50, seed=1)
    assert (few.labels >= 0).all()
    assert len(few) == 10
    assert (some.labels >= 0).sum() == 30
    assert len(some) == 50
    assert labelled_first(data, None, 0) is data
    assert list(labelled_first(data, 50, seed=1).ids) == list(some.ids)


def test_words_for_it():
    assert count_labelled(partly(known=30)) == "30 of 100 labelled"
    assert count_labelled(Listed(["a"])) == ""


def test_a_class_that_means_not_labelled():
    data = Listed(["w", "x", "y", "z"], np.array([2, 1, -1, 0]))
    part = without_class(data, "b", data.classes)
    assert (part.labels.tolist(), part.classes) == ([1, -1, -1, 0], ("a", "c"))
    with pytest.raises(DataError, match=r"'unknown', which no training sample has; the labels are 'a', 'b'"):
        without_class(data, "unknown", data.classes)


def test_no_label_left_is_no_labels():
    part = Relabelled(Listed(["w", "x"], np.array([0, 1])), np.array([-1, -1]), ("a",))
    assert (part.labels, part.classes) == (None, ())


def test_too_few_to_hold_any_out():
    data = Listed([f"s{i}" for i in range(9)], np.array([0, 1, 2, *[-1] * 6]))
    with pytest.raises(DataError, match=r"3 sample\(s\) are too few to hold any out"):
        holdout_split(data, 0.2, 0)
