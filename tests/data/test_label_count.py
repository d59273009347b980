"""``data.label_count`` keeps a few labels of the training samples, evenly over the classes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.toy import Mixture
from vicreg_core.data.relabelled import few_labels
from vicreg_core.errors import DataError


def kept(count: int, seed: int = 0) -> np.ndarray:
    few = few_labels(Mixture(), count, seed)
    assert few.labels is not None
    rows = np.flatnonzero(few.labels >= 0)
    assert (few.labels[rows] == Mixture().labels[rows]).all()
    return rows


@pytest.mark.parametrize("count", [4, 10, 31])
def test_as_many_of_each_class_as_can_be(count):
    per_class = np.bincount(Mixture().labels[kept(count)], minlength=4)
    assert per_class.sum() == count
    assert per_class.max() - per_class.min() <= 1


def test_a_larger_count_keeps_those_of_a_smaller_one():
    assert set(kept(6)) < set(kept(20))
    assert set(kept(6)) != set(kept(6, seed=1))


def test_of_a_class_with_few_samples_all_are_kept():
    data = Mixture()
    data.labels = np.where((data.labels == 2) & (np.arange(64) > 8), 0, data.labels)
    few = few_labels(data, 30, 0)
    rare = int((data.labels == 2).sum())
    assert int((few.labels == 2).sum()) == rare
    assert int((few.labels >= 0).sum()) == 30


def test_more_than_there_are_keeps_all_and_fewer_than_classes_is_refused():
    data = Mixture()
    assert few_labels(data, 64, 0) is data
    with pytest.raises(DataError, match=r"data\.label_count is 3, and there are 4 classes"):
        few_labels(data, 3, 0)
