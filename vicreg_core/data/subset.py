"""Some samples of a dataset, as a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts import DataInfo, DatasetAdapter, Floor


class Subset(DatasetAdapter):
    """The samples of ``base`` at ``rows``, in that order, with all they carry; nothing is read here.

    A batch of an in-memory dataset stays one vectorised read.

    Args:
        base: the whole dataset.
        rows: ``(m,) int64`` indices into it.
    """

    def __init__(self, base: DatasetAdapter, rows: NDArray[np.int64]) -> None:
        self.base, self.rows = base, np.asarray(rows, dtype=np.int64)
        self.in_memory = base.in_memory
        self.classes, self.skipped = base.classes, base.skipped
        self.ids = take(base.ids, self.rows)
        self.labels = None if base.labels is None else base.labels[self.rows]
        self.groups = None if base.groups is None else np.asarray(base.groups)[self.rows]

    @property
    def info(self) -> DataInfo:  # type: ignore[override]
        """That of the whole dataset."""
        return self.base.info

    @cached_property
    def metadata(self) -> Mapping[str, Sequence[Any]]:  # type: ignore[override]
        """The columns of the whole dataset at these rows, taken when they are asked for."""
        return {name: take(column, self.rows) for name, column in self.base.metadata.items()}

    def __getitem__(self, index: int) -> Any:
        """One raw sample."""
        return self.base[int(self.rows[index])]

    def __getitems__(self, indices: Sequence[int] | NDArray[np.int64]) -> Any:
        """The raw samples of ``indices``, read by the whole dataset in one call."""
        return self.base.__getitems__(self.rows[np.asarray(indices, dtype=np.int64)])

    def raw_features(self, indices: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """The whole dataset's raw features of ``indices``."""
        return self.base.raw_features(self.rows[np.asarray(indices, dtype=np.int64)])

    def floors(self) -> Mapping[str, Floor]:
        """The whole dataset's, of these rows."""
        return {name: _of_rows(floor, self.rows) for name, floor in self.base.floors().items()}

    def for_training(self, rows: NDArray[np.int64]) -> DatasetAdapter:
        """The same rows, of which the whole dataset is told those that are trained on."""
        return self.over(self.base.for_training(self.rows[rows]))

    def for_model(self, info: DataInfo) -> DatasetAdapter:
        """The same rows of the whole dataset as the model takes it."""
        return self.over(self.base.for_model(info))

    def over(self, base: DatasetAdapter) -> Subset:
        """The same rows of another form of the whole dataset."""
        return Subset(base, self.rows)


def _of_rows(floor: Floor, rows: NDArray[np.int64]) -> Floor:
    return Floor(lambda indices: floor.features(rows[indices]), floor.cosines)


def take(column: Any, rows: NDArray[np.int64]) -> Any:
    """The entries of a column at ``rows``: an array for an array, else a list."""
    return column[rows] if isinstance(column, np.ndarray) else [column[int(row)] for row in rows]
