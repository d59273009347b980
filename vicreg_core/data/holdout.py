"""Which samples a run keeps away from training so that it can be evaluated on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts import UNLABELLED, DatasetAdapter
from vicreg_core.contracts.keys import hash_ids, mix, mix_int, stream_id
from vicreg_core.data.subset import take
from vicreg_core.errors import DataError


def holdout_split(
    data: DatasetAdapter, fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split a dataset into samples to train on and samples to hold out.

    A pure function of ids, labels, groups and seed: training and every later evaluation find the same split,
    and the order in which the dataset lists its samples does not matter. Each class gives the same share; at
    least one sample of a class that has two, and never all. Where the dataset has groups, whole groups are
    held out, chosen so that each class comes as near to its share as the groups allow. Samples without
    a label are not held out, unless their group is.

    Args:
        data: the samples.
        fraction: share to hold out, in ``(0, 1)``.
        seed: the recipe's seed.

    Returns:
        Two sorted arrays of indices: kept for training, held out.

    Raises:
        DataError: if there is only one group, or too few samples to hold out any.
    """
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"holdout_split() needs a fraction between 0 and 1, got {fraction}")
    labels = np.zeros(len(data), dtype=np.int64) if data.labels is None else data.labels
    rows = np.flatnonzero(labels != UNLABELLED)
    held = np.zeros(len(data), dtype=bool)
    _, label = np.unique(labels[rows], return_inverse=True)
    if data.groups is None:
        held[rows] = _hold_samples(label, _draw(take(data.ids, rows), seed), fraction)
    else:
        groups = np.asarray(data.groups).astype(str)
        held = np.isin(groups, _held_groups(groups[rows], label, fraction, seed))
    if not held.any():
        left_out = f" ({len(data.skipped)} were left out: {data.skipped[0]}, ...)" if data.skipped else ""
        raise DataError(
            f"data.holdout is {fraction:g}, but {len(rows)} sample(s){left_out} are too few to hold any out; "
            "set data.holdout=0, or bring more data"
        )
    return np.flatnonzero(~held), np.flatnonzero(held)


def _held_groups(
    groups: NDArray[np.str_], label: NDArray[np.int64], fraction: float, seed: int
) -> NDArray[np.str_]:
    """Names of the groups to hold out, given the group and the label of each labelled sample."""
    names, group = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise DataError(
            f"data.holdout is {fraction:g}, but all samples are of one group ({names[0]!r}) and a split "
            "never crosses a group; set data.holdout=0, or give a test split"
        )
    table = np.zeros((len(names), label.max() + 1), dtype=np.int64)
    np.add.at(table, (group, label), 1)
    chosen: NDArray[np.str_] = names[_hold_groups(table, _draw(names.tolist(), seed), fraction)]
    return chosen


def _draw(ids: object, seed: int) -> NDArray[np.int64]:
    """One random integer an id."""
    drawn: NDArray[np.int64] = mix(hash_ids(ids) ^ mix_int(seed, stream_id("holdout"))).numpy()  # type: ignore[arg-type]
    return drawn


def _hold_samples(label: NDArray[np.int64], draw: NDArray[np.int64], fraction: float) -> NDArray[np.bool_]:
    """Of each class the samples with the lowest draws."""
    counts = np.bincount(label)
    quota = np.where(counts > 1, np.clip(np.round(fraction * counts), 1, counts - 1), 0)
    order = np.lexsort((draw, label))
    place_in_class = np.arange(len(label)) - (np.cumsum(counts) - counts)[label[order]]
    held = np.zeros(len(label), dtype=bool)
    held[order] = place_in_class < quota[label[order]]
    return held


def _hold_groups(table: NDArray[np.int64], draw: NDArray[np.int64], fraction: float) -> NDArray[np.bool_]:
    """Greedily, the largest groups first, each group that brings the classes nearer their share.

    Only small groups can fill what large ones leave; groups of one size come in random order.

    Args:
        table: ``(groups, classes)`` number of samples.
        draw: ``(groups,)`` random integers.
        fraction: share of each class to hold out.
    """
    missing = fraction * table.sum(axis=0)
    held = np.zeros(len(table), dtype=bool)
    for group in np.lexsort((draw, -table.sum(axis=1))):
        rest = missing - table[group]
        if (rest @ rest) < (missing @ missing):
            held[group], missing = True, rest
    smallest = np.lexsort((draw, table.sum(axis=1)))[0]
    if not held.any():
        held[smallest] = True
    elif held.all():
        held[smallest] = False
    return held
