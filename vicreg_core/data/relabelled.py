"""A dataset with other labels than it came with: from a file, or without the class that means "none"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts import UNLABELLED, DatasetAdapter
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
