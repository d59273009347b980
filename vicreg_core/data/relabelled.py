"""A dataset with other labels than it came with: from a file, or without the class that means "none"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts import UNLABELLED, DatasetAdapter
from vicreg_core.contracts.keys import hash_ids, mix, mix_int, stream_id
from vicreg_core.data.subset import Subset
from vicreg_core.errors import DataError


class Relabelled(Subset):
    """All samples of ``base`` with these labels.

    Args:
        base: the dataset.
        labels: ``(n,) int64`` indices into ``classes``, -1 where a sample has none; of -1 only: no labels.
        classes: names of the classes.
    """

    def __init__(self, base: DatasetAdapter, labels: NDArray[np.int64], classes: Sequence[str]) -> None:
        super().__init__(base, np.arange(len(base)))
        known = bool((labels != UNLABELLED).any())
        self.labels, self.classes = (labels, tuple(classes)) if known else (None, ())

    def over(self, base: DatasetAdapter) -> Relabelled:
        """The samples of another form of the dataset, with these labels."""
        labels = np.full(len(self), UNLABELLED) if self.labels is None else self.labels
        return Relabelled(base, labels, self.classes)


def few_labels(data: DatasetAdapter, count: int, seed: int) -> DatasetAdapter:
    """The dataset with at most ``count`` of its labels, as many of each class as there are to be had.

    Which ones depends on ids, labels and seed alone, and a larger count keeps those of a smaller one. Itself
    where it has no more labels than that.

    Args:
        data: the dataset.
        count: labels to keep, at least one a class.
        seed: of the draw.

    Raises:
        DataError: fewer labels than classes.
    """
    if data.labels is None or int((data.labels != UNLABELLED).sum()) <= count:
        return data
    if count < len(data.classes):
        raise DataError(
            f"data.label_count is {count}, and there are {len(data.classes)} classes; keep one label a class "
            "or more"
        )
    key = mix(hash_ids(data.ids) ^ mix_int(seed, stream_id("label-count"))).numpy()
    order = np.argsort(key, kind="stable")
    order = order[data.labels[order] != UNLABELLED]
    # The first of every class, then the second of every class, and so on.
    turn = np.empty(len(order), dtype=np.int64)
    for label in range(len(data.classes)):
        own = data.labels[order] == label
        turn[own] = np.arange(int(own.sum()))
    kept = order[np.argsort(turn, kind="stable")[:count]]
    labels = np.full(len(data), UNLABELLED)
    labels[kept] = data.labels[kept]
    return Relabelled(data, labels, data.classes)


def without_class(data: DatasetAdapter, name: str, classes: Sequence[str]) -> DatasetAdapter:
    """The dataset with the samples of one class taken as not labelled; itself where it has no labels.

    Args:
        data: the dataset.
        name: of the class that means "not labelled" (``data.unlabelled``).
        classes: of the training samples.

    Raises:
        DataError: there is no such class in training.
    """
    if name not in classes:
        shown = ", ".join(map(repr, classes[:10])) + (", ..." if len(classes) > 10 else "")
        raise DataError(
            f"data.unlabelled is {name!r}, which no training sample has; the labels are {shown or 'none'}"
        )
    if data.labels is None:
        return data
    dropped = list(data.classes).index(name)
    table = np.arange(len(data.classes)) - (np.arange(len(data.classes)) > dropped)
    table[dropped] = UNLABELLED
    kept = [each for each in data.classes if each != name]
    return Relabelled(data, np.where(data.labels < 0, UNLABELLED, table[data.labels]), kept)
