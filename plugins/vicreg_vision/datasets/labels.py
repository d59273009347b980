"""Class names and indices, the same for every split of a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts import UNLABELLED
from vicreg_core.errors import DataError

Value: TypeAlias = str | int | bool | float | None
"""A cell of a label column."""


def missing(value: Value) -> bool:
    """Whether a cell is empty: null, not a number, or text of blanks."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def unlabelled(values: Sequence[Value]) -> bool:
    """Whether no value is a label; test splits of public datasets often hold only -1."""
    return all(missing(value) or value == -1 for value in values)


def class_values(values: Sequence[Value], where: str) -> list[Any]:
    """The distinct labels of the training split, in order: numbers by value, text by code point.

    Among other whole numbers from 0, of which there are two or more, -1 is no class but "not labelled".

    Raises:
        DataError: for labels of mixed type, or numbers that are not whole.
    """
    distinct = {whole for value in values if (whole := _whole(value, where)) is not None}
    others = distinct - {-1}
    if len(others) > 1 and all(isinstance(value, int) and value >= 0 for value in others):
        distinct = others
    try:
        return sorted(distinct)
    except TypeError:
        kinds = ", ".join(sorted({type(value).__name__ for value in distinct}))
        raise DataError(
            f"{where} mixes labels of type {kinds}: expected all text or all whole numbers"
        ) from None


def encode(values: Sequence[Value], classes: Sequence[Any], where: str) -> NDArray[np.int64] | None:
    """``(n,) int64`` indices into ``classes``, -1 where a row has no label; ``None`` where no row has one.

    Args:
        values: the labels.
        classes: the distinct labels of the training split.
        where: what errors call the column.

    Raises:
        DataError: for a label that training does not know.
    """
    if unlabelled(values) and -1 not in classes:
        return None
    index: dict[Any, int] = {-1: UNLABELLED, None: UNLABELLED}
    index |= {value: position for position, value in enumerate(classes)}
    whole = [_whole(value, where) for value in values]
    if unknown := Counter(value for value in whole if value not in index):
        value, count = unknown.most_common(1)[0]
        shown = ", ".join(str(c) for c in classes[:10]) + (", ..." if len(classes) > 10 else "")
        raise DataError(
            f"{where}: class {value!r} ({count} rows, first at row {whole.index(value)}) is not among the "
            f"{len(classes)} classes of the training split: {shown}"
        )
    return np.asarray([index[value] for value in whole], dtype=np.int64)


def _whole(value: Value, where: str) -> str | int | None:
    """A label, a whole floating-point number (an integer that once had gaps) as an integer; else ``None``."""
    if missing(value):
        return None
    if isinstance(value, float) and not value.is_integer():
        raise DataError(f"{where} holds {value}: a label is text or a whole number")
    return value if isinstance(value, str) else int(value or 0)
