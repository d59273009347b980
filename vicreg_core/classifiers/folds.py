"""Folds of a training set for cross-validation."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray


def assign_folds(
    labels: NDArray[np.int64], groups: NDArray[Any] | None, folds: int, seed: int
) -> NDArray[np.int64]:
    """The fold of each sample, stratified by label; a group is never in two folds.

    Args:
        labels: ``(n,) int64`` class indices.
        groups: ``(n,)`` group of each sample, or ``None``.
        folds: number of folds, at most the number of groups.
        seed: of the random order.

    Returns:
        ``(n,) int64`` in ``range(folds)``.
    """
    if groups is not None:
        return _grouped(labels, groups, folds, seed)
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    order = shuffled[np.argsort(labels[shuffled], kind="stable")]
    fold = np.empty(len(labels), dtype=np.int64)
    fold[order] = np.arange(len(labels)) % folds
    return fold


def most_folds(labels: NDArray[np.int64], groups: NDArray[Any] | None, wanted: int) -> int:
    """``wanted``, or as many folds as the largest class has samples and the data has groups.

    A rare class does not count: it is missing from some folds, which costs less than doing without folds.
    """
    largest = int(np.unique(labels, return_counts=True)[1].max())
    return min(wanted, largest if groups is None else min(largest, len(np.unique(groups))))


def _grouped(labels: NDArray[np.int64], groups: NDArray[Any], folds: int, seed: int) -> NDArray[np.int64]:
    from sklearn.model_selection import StratifiedGroupKFold

    fold = np.empty(len(labels), dtype=np.int64)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A class with fewer groups than folds is missing from some; that is in the nature of grouped data.
        warnings.simplefilter("ignore", UserWarning)
        for number, (_, rows) in enumerate(splitter.split(labels, labels, groups)):
            fold[rows] = number
    return fold
