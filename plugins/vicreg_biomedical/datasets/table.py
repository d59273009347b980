"""Columns beside the pixels: labels, groups and metadata, joined so that no row is lost in silence."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts import UNLABELLED
from vicreg_core.data.paths import regular_file
from vicreg_core.errors import DataError


def encode_labels(
    values: Sequence[Any] | NDArray[Any], names: Sequence[str] | None, column: str
) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Class indices and class names of a column.

    A cell that is empty, not a number, or of whole numbers -1, says that the sample has no label.

    Args:
        values: one a sample: integers that index ``names``, or anything else, sorted by its text.
        names: class names of integer values; ``None`` to derive them.
        column: for messages.

    Returns:
        ``(n,) int64``, -1 where there is no label, and the names; ``None`` and no name where none is.

    Raises:
        DataError: for an index without a name, or more than one value a sample.
    """
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(f"label {column!r} has shape {array.shape}; expected one value a sample")
    whole = array.dtype.kind == "i"
    present = np.array([not (_is_empty(v) or (whole and v == -1)) for v in array.tolist()], dtype=bool)
    if not present.any():
        return None, ()
    labels = np.full(len(array), UNLABELLED)
    known = array[present]
    if names is not None and known.dtype.kind in "iu":
        if int(known.min()) < 0 or int(known.max()) >= len(names):
            raise DataError(
                f"label {column!r} holds {int(known.max())} but there are {len(names)} class names"
            )
        labels[present] = known
        return labels, tuple(names)
    if known.dtype.kind == "O":
        known = np.asarray(known.tolist())
    if known.dtype.kind == "f" and (known == np.floor(known)).all():
        known = known.astype(np.int64)  # whole numbers that became floating because of the gaps between them
    classes, labels[present] = np.unique(known, return_inverse=True)
    return labels, tuple(str(c) for c in classes.tolist())


def _is_empty(value: Any) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def read_csv(path: Path) -> dict[str, list[str]]:
    """A CSV with a header, as text columns.

    Raises:
        DataError: where it is missing, empty, or a row has another number of cells than the header.
    """
    path = regular_file(path, "metadata")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"metadata {path}: is no CSV in UTF-8, {error}") from error
    if len(rows) < 2:
        raise DataError(f"metadata {path}: expected a header and at least one row")
    header, *body = rows
    for number, row in enumerate(body, start=2):
        if len(row) != len(header):
            raise DataError(f"metadata {path}:{number}: {len(row)} cells, but the header has {len(header)}")
    return {name: [row[i] for row in body] for i, name in enumerate(header)}


def join(
    keys: Sequence[str], table: Mapping[str, Sequence[str]], on: str, source: str
) -> tuple[dict[str, list[str]], list[int], list[str]]:
    """Rows of ``table`` for ``keys``, in their order.

    Returns:
        The joined columns for the keys that have a row, the positions of the keys that have none, and the
        values of ``on`` that no key asked for.

    Raises:
        DataError: without the column ``on``, or where it repeats a value.
    """
    if on not in table:
        raise DataError(f"metadata {source}: has no column {on!r}; it has {', '.join(table)}")
    rows: dict[str, int] = {}
    for row, value in enumerate(table[on]):
        if value in rows:
            raise DataError(f"metadata {source}: {on} {value!r} occurs in more than one row")
        rows[value] = row
    without_row = [i for i, key in enumerate(keys) if key not in rows]
    kept = [rows[key] for key in keys if key in rows]
    columns = {name: [values[row] for row in kept] for name, values in table.items()}
    asked = set(keys)
    return columns, without_row, [value for value in rows if value not in asked]


def name_some(names: Sequence[str], limit: int = 5) -> str:
    """The first few of many names, for a message."""
    shown = ", ".join(map(str, names[:limit]))
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
