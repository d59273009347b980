"""Positives by metadata: which other cells a cell may be paired with, such as those of its treatment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_biomedical.datasets.adapter import CellTable
from vicreg_core.errors import DataError

MOST = 4
"""Partners offered for one cell; they are read with it, so more would cost reading."""


def pair_up(
    table: CellTable, positives: str, across: str | None, *, split_apart: bool
) -> tuple[CellTable, NDArray[np.int64]]:
    """The partners ``(n, MOST)`` of each cell by the recipe's columns, and the table with its groups.

    Unless training and test cells come apart, pairs stay inside a group, and cells that may be paired are of
    one group where none is named: what is held out of training is then nobody's partner.

    Raises:
        DataError: for a column that is not there, or columns by which no cell has a partner.
    """
    there = dict(table.metadata)
    for key, name in (("positives", positives), ("positives_across", across)):
        if name is not None and name not in there:
            raise DataError(f"data.{key}: no column {name!r}; there are {', '.join(there) or 'none'}")
    within = None if split_apart or table.groups is None else list(table.groups)
    partners = find_partners(there[positives], None if across is None else there[across], within)
    if (partners == np.arange(len(partners))[:, None]).all():
        apart = f" that differ in {across}" if across else ""
        inside = "" if within is None else ", inside one group (data.group)"
        raise DataError(f"data.positives: no two cells are alike in {positives}{apart}{inside}")
    if table.groups is None and not split_apart:
        table = replace(table, groups=np.asarray([str(value) for value in there[positives]]))
    return table, partners


def find_partners(
    keys: Sequence[Any], across: Sequence[Any] | None = None, within: Sequence[Any] | None = None
) -> NDArray[np.int64]:
    """Rows ``(n, MOST) int64`` of the partners of each cell; a cell without any is its own.

    Cells of one key get different partners, spread over all that they may have.

    Args:
        keys: of length ``n``: cells alike in it, e.g. of one treatment or patient, are partners.
        across: partners differ in this column, e.g. the well, so that a pair does not teach the well.
        within: partners agree in this column, e.g. the group that evaluation splits by.
    """
    key = _codes([*zip(keys, within, strict=True)] if within is not None else list(keys))
    apart = _codes(list(across)) if across is not None else np.arange(len(key))
    order = np.lexsort((apart, key))
    ordered_key, ordered_apart = key[order], apart[order]
    start = np.searchsorted(ordered_key, ordered_key, side="left")
    size = np.searchsorted(ordered_key, ordered_key, side="right") - start
    changes = np.diff(ordered_key, prepend=-1).astype(bool) | np.diff(ordered_apart, prepend=-1).astype(bool)
    block = np.cumsum(changes) - 1
    first = np.flatnonzero(changes)[block]
    length = np.bincount(block)[block]
    others = size - length
    place = np.arange(len(order)) - first
    steps = (place[:, None] + np.arange(MOST) * others[:, None] // MOST) % np.maximum(others, 1)[:, None]
    # The others of a key, from the end of the cell's own block on and around.
    position = start[:, None] + ((first + length - start)[:, None] + steps) % size[:, None]
    found = np.where(others[:, None] > 0, order[position], order[:, None])
    partners = np.empty_like(found)
    partners[order] = found
    return partners


def _codes(values: list[Any]) -> NDArray[np.int64]:
    named = [f"row {row}" if value is None else f"={value}" for row, value in enumerate(values)]
    codes: NDArray[np.int64] = np.unique(named, return_inverse=True)[1].astype(np.int64)
    return codes
