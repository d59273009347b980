"""What the table datasets share: from Arrow tables of both splits to an adapter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.errors import DataError
from vicreg_vision.datasets.adapters import Annotations, ImageAdapter
from vicreg_vision.datasets.columns import Columns, find_columns
from vicreg_vision.datasets.config import ColumnsConfig
from vicreg_vision.datasets.labels import Value, class_values, encode, unlabelled
from vicreg_vision.datasets.loading import open_images
from vicreg_vision.images.layout import scan_layout
from vicreg_vision.images.sources import TableSource

_HEAD = 20
"""Rows looked at to tell what a column holds."""


@dataclass(frozen=True, slots=True)
class ImageTable:
    """One split as a table.

    Attributes:
        table: a ``pyarrow.Table``.
        where: what errors call it.
        row_name: the name of a row by its position.
        root: the folder that paths in the table are relative to and may not leave.
        problems: why a row cannot be used, by its position; its cells are empty.
    """

    table: Any
    where: str
    row_name: Callable[[int], str]
    root: Path
    problems: Mapping[int, str] = field(default_factory=dict)

    def columns(self, config: ColumnsConfig) -> Columns:
        """The columns by their part."""
        if self.table.num_rows == 0:
            raise DataError(f"{self.where} holds no row")
        if len(self.problems) == self.table.num_rows:
            raise DataError(
                f"{self.where} holds no row that can be read; {self.row_name(0)}: {self.problems[0]}"
            )
        head = self.table.slice(0, _HEAD).to_pydict()
        first = {
            name: next((cell for cell in cells if cell is not None), None) for name, cells in head.items()
        }
        return find_columns(self.table.schema, first, config, self.where)

    def source(self, columns: Columns) -> TableSource:
        """Its images."""
        return TableSource(self.table.column(columns.image), self.row_name, self.root, self.problems)


def open_table(chosen: ImageTable, train: ImageTable, config: ColumnsConfig) -> ImageAdapter:
    """The adapter of the split ``chosen``, with the classes and channels of the training split.

    Raises:
        DataError: for columns that are missing or unclear, labels that do not fit, unreadable images.
    """
    train_columns = train.columns(config)
    columns = train_columns if chosen is train else chosen.columns(config)
    train_source, source = train.source(train_columns), chosen.source(columns)
    train_layout = scan_layout(train_source, config.channels, config.bit_depth)
    layout = train_layout if chosen is train else scan_layout(source, config.channels, bit_depth=16)
    labels, classes = _labels(chosen, columns, train, train_columns)
    annotations = Annotations(
        _ids(chosen, columns),
        labels,
        classes,
        None if columns.group is None else np.asarray(_values(chosen, columns.group)),
        {name: _values(chosen, name) for name in columns.others},
    )
    return open_images(source, annotations, config, layout, train_layout)


def _values(table: ImageTable, column: str) -> list[Any]:
    values: list[Any] = table.table.column(column).to_pylist()
    return values


def _ids(table: ImageTable, columns: Columns) -> list[str] | NDArray[np.int64]:
    if columns.id is None:
        return np.arange(table.table.num_rows)
    ids = _values(table, columns.id)
    for row in table.problems:
        ids[row] = table.row_name(row)
    if None in ids:
        raise DataError(f"{table.row_name(ids.index(None))}: column {columns.id!r} (data.id_column) is empty")
    identifier, count = Counter(ids).most_common(1)[0]
    if count > 1:
        raise DataError(
            f"{table.where}: {count} rows have the id {identifier!r} in data.id_column {columns.id!r}"
        )
    return [str(value) for value in ids]


def _labels(
    chosen: ImageTable, columns: Columns, train: ImageTable, train_columns: Columns
) -> tuple[NDArray[np.int64] | None, list[str]]:
    """The label of each row of ``chosen``, and the names of the classes of ``train``."""
    if columns.label is None or train_columns.label is None:
        return None, []
    names = train_columns.names
    train_values = _named(_values(train, train_columns.label), names, f"{train.where}, {train_columns.label}")
    if unlabelled(train_values):
        return None, []
    where = f"{chosen.where}, column {columns.label!r}"
    values = train_values
    if chosen is not train:
        values = _named(_values(chosen, columns.label), columns.names or names, where)
    classes = names or class_values(train_values, f"{train.where}, column {train_columns.label!r}")
    labels = encode(values, classes, where)
    return labels, [] if labels is None else [str(name) for name in classes]


def _named(values: list[Value], names: Any, where: str) -> list[Value]:
    """Class indices as class names, so that splits that count their classes differently agree."""
    if names is None:
        return values
    beyond = [v for v in values if v is not None and not (isinstance(v, int) and -1 <= v < len(names))]
    if beyond:
        raise DataError(f"{where} holds {beyond[0]!r}, but its metadata names {len(names)} classes, from 0")
    return [None if value is None or value == -1 else names[int(value)] for value in values]
