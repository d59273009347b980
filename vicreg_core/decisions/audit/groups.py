"""Whether groups (patients, plates, documents) tell the label, and whether vectors tell the group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.classifiers.neighbours import Neighbours


@dataclass(frozen=True)
class GroupLeak:
    """What groups give away.

    Attributes:
        groups: how many there are.
        by_group: share of labels that the other labels of their group tell right.
        by_majority: share of the most common label.
        same_group: share of nearest neighbours that are of the same group.
        expected: that share if neighbours were drawn at random.
    """

    groups: int
    by_group: float | None
    by_majority: float | None
    same_group: float
    expected: float


def group_leak(groups: NDArray[Any], labels: NDArray[np.int64], classes: int, near: Neighbours) -> GroupLeak:
    """Measure both, of all samples.

    Args:
        groups: ``(n,)``.
        labels: ``(n,) int64``, -1 where a sample has none.
        classes: ``K``.
        near: of each sample the nearest others.
    """
    names, group = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    sizes = np.bincount(group)
    n = len(group)
    same = float((group[near.row.numpy()[:, 0]] == group).mean())
    expected = float((sizes * (sizes - 1)).sum() / (n * (n - 1)))
    rows = np.flatnonzero(labels >= 0)
    if not len(rows):
        return GroupLeak(len(names), None, None, same, expected)
    table = np.zeros((len(names), classes))
    np.add.at(table, (group[rows], labels[rows]), 1.0)
    rest = table[group[rows]]
    rest[np.arange(len(rows)), labels[rows]] -= 1.0  # without the sample's own label
    alone = rest.sum(axis=1) == 0
    overall = table.sum(axis=0)
    told = np.where(alone, overall.argmax(), rest.argmax(axis=1))
    return GroupLeak(
        len(names),
        float((told == labels[rows]).mean()),
        float(overall.max() / len(rows)),
        same,
        expected,
    )
