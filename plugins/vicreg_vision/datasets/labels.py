"""Class names and indices, the same for every split of a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vicreg_core.errors import DataError

Value: TypeAlias = str | int | bool | float | None
"""A cell of a label column."""


def missing(value: Value) -> bool:
    """Whether a cell is empty: null, not a number, or text without a character."""
    return value is None or value != value or value == ""


def unlabelled(values: Sequence[Value]) -> bool:
    """Whether no value is a label; test splits of public datasets often hold only -1."""
    return all(missing(value) or value == -1 for value in values)


def class_values(values: Sequence[Value], where: str) -> list[Any]:
    """The distinct labels of the training split, in order: numbers by value, text by code point.

    Raises:
        DataError: for labels of mixed type, or numbers that are not whole.
    """
    distinct = set(_whole(values, where))
    try:
        return sorted(distinct)
    except TypeError:
        kinds = ", ".join(sorted({type(value).__name__ for value in distinct}))
        raise DataError(
            f"{where} mixes labels of type {kinds}: expected all text or all whole numbers"
        ) from None


def encode(values: Sequence[Value], classes: Sequence[Any], where: str) -> NDArray[np.int64] | None:
    """``(n,) int64`` indices into ``classes``; ``None`` where no value is a label.

    Args:
        values: the labels.
        classes: the distinct labels of the training split.
        where: what errors call the column.

    Raises:
        DataError: for a missing label among others, and for a label that training does not know.
    """
    if unlabelled(values):
        return None
    index = {value: position for position, value in enumerate(classes)}
    encoded = [index.get(value, -1) for value in _whole(values, where)]
    if -1 in encoded:
        unknown = Counter(values[i] for i, position in enumerate(encoded) if position == -1)
        value, count = unknown.most_common(1)[0]
        shown = ", ".join(str(c) for c in classes[:10]) + (", ..." if len(classes) > 10 else "")
        raise DataError(
            f"{where}: class {value!r} ({count} rows, first at row {encoded.index(-1)}) is not among the "
            f"{len(classes)} classes of the training split: {shown}"
        )
    return np.asarray(encoded, dtype=np.int64)


def _whole(values: Sequence[Value], where: str) -> list[str | int]:
    """The labels, with whole floating-point numbers (integers that once had gaps) as integers."""
    empty = [row for row, value in enumerate(values) if missing(value)]
    if empty:
        raise DataError(
            f"{where}: {len(empty)} of {len(values)} rows have no label, the first is row {empty[0]}. Label "
            f"all rows, or do without with data.label_column=none"
        )
    fractional = [value for value in values if isinstance(value, float) and not value.is_integer()]
    if fractional:
        raise DataError(f"{where} holds {fractional[0]}: a label is text or a whole number")
    return [value if isinstance(value, str) else int(value or 0) for value in values]
