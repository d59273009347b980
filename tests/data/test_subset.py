"""A subset keeps all that its samples carry."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.evaluation.toy import Points, PointsConfig
from vicreg_core.contracts import DataInfo
from vicreg_core.data.relabelled import Relabelled
from vicreg_core.data.subset import Subset
from vicreg_core.errors import DataError

ROWS = np.array([7, 3, 20])


def test_everything_is_taken_at_the_rows():
    data = Points(PointsConfig())
    part = Subset(data, ROWS)
    assert len(part) == 3
    assert part.ids == ["train-7", "train-3", "train-20"]
    assert part.labels.tolist() == data.labels[ROWS].tolist()
    assert part.groups.tolist() == ["plate-1", "plate-0", "plate-4"]
    assert part.metadata["row"].tolist() == [7, 3, 20]
    assert part.metadata["label"] == ["shadowed"] * 3
    assert (part.info, part.classes, part.in_memory) == (data.info, data.classes, True)
    assert torch.equal(part[1], data[3])
    np.testing.assert_array_equal(part.raw_features(np.array([2, 0])), data.points[[20, 7]])


@pytest.mark.parametrize("in_memory", [True, False])
def test_reads_are_those_of_the_whole(in_memory):
    data = Points(PointsConfig(in_memory=in_memory))
    batch = Subset(data, ROWS).__getitems__([2, 2, 0])
    assert isinstance(batch, torch.Tensor) is in_memory
    np.testing.assert_array_equal(np.stack(list(batch)), data.points[[20, 20, 7]])


def test_unlabelled():
    part = Subset(Points(PointsConfig(labelled=False)), ROWS)
    assert part.labels is None
    assert part.classes == ()


def test_a_subset_of_a_subset():
    part = Subset(Subset(Points(PointsConfig()), ROWS), np.array([2, 0]))
    assert part.ids == ["train-20", "train-7"]
    assert part.groups.tolist() == ["plate-4", "plate-1"]


def test_a_whole_dataset_is_told_which_of_its_rows_are_trained_on():
    class Related(Points):
        trained = None

        def for_training(self, rows):
            other = Related(PointsConfig())
            other.trained = rows.tolist()
            return other

    part = Relabelled(Subset(Related(PointsConfig()), ROWS), np.array([1, -1, 0]), ("a", "b"))
    told = part.for_training(np.array([2, 1]))
    assert (told.ids, told.classes, told.labels.tolist()) == (part.ids, ("a", "b"), [1, -1, 0])
    assert told.base.base.trained == ROWS[[2, 1]].tolist()


def test_other_assets_than_the_models_are_refused():
    data = Points(PointsConfig())
    part = Subset(data, ROWS)
    assert part.for_model(DataInfo(assets={"more.txt": b"x"})).ids == part.ids
    with pytest.raises(DataError, match=r"words/list\.txt of its own"):
        part.for_model(DataInfo(assets={"words/list.txt": b"d e f"}))
