"""The samples of a dataset that have a label, where not all of them do."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts import UNLABELLED, DatasetAdapter
from vicreg_core.data.draw import draw
from vicreg_core.data.subset import Subset

_INTEGER = re.compile(r"-?\d{1,18}")


def class_order(name: str) -> tuple[int, int, str]:
    """The key that classes are sorted by: whole numbers by value, before names.

    >>> sorted(["10", "9", "owl", "-1"], key=class_order)
    ['-1', '9', '10', 'owl']
    """
    return (0, int(name), name) if _INTEGER.fullmatch(name) else (1, 0, name)


def labelled_rows(data: DatasetAdapter) -> NDArray[np.int64]:
    """Rows of the samples that have a label; none where the dataset has no labels at all."""
    if data.labels is None:
        return np.arange(0)
    return np.flatnonzero(data.labels != UNLABELLED)


def labelled(data: DatasetAdapter) -> DatasetAdapter:
    """The samples that have a label; the dataset itself where all do, or where it has no labels at all."""
    rows = labelled_rows(data)
    return data if data.labels is None or len(rows) == len(data) else Subset(data, rows)


def labelled_first(data: DatasetAdapter, most: int | None, seed: int) -> DatasetAdapter:
    """The dataset, or where it has more samples than ``most`` so many of them, labelled ones before others.

    Which ones depends on ids, labels and seed alone.
    """
    if most is None or most >= len(data):
        return data
    rows = labelled_rows(data)
    if len(rows) in (0, len(data)):
        return Subset(data, draw(data, most, seed))
    chosen = rows[draw(Subset(data, rows), most, seed)]
    others = np.setdiff1d(np.arange(len(data)), rows)
    if room := most - len(chosen):
        chosen = np.union1d(chosen, others[draw(Subset(data, others), room, seed)])
    return Subset(data, chosen)


def count_labelled(data: DatasetAdapter) -> str:
    """How many of the samples are labelled, in words; empty where it is all or none.

    >>> from vicreg_core.contracts import DatasetAdapter
    >>> data = DatasetAdapter()
    >>> data.ids, data.labels = ["a", "b", "c"], np.array([0, -1, 1])
    >>> count_labelled(data)
    '2 of 3 labelled'
    """
    found = len(labelled_rows(data))
    return f"{found:,} of {len(data):,} labelled" if 0 < found < len(data) else ""
