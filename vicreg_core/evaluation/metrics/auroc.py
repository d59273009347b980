"""The area under the ROC curve of two classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.evaluation.metrics.bootstrap import group_units, resampled_weights


def binary_auroc(positive: NDArray[np.bool_], scores: NDArray[np.float32]) -> float:
    """The chance that a positive sample scores above a negative one, ties counting half.

    Args:
        positive: ``(m,)``, with at least one of each kind.
        scores: ``(m,)``.
    """
    return float(_weighted(positive, scores, np.ones((1, len(scores))))[0])


def resampled_auroc(
    positive: NDArray[np.bool_], scores: NDArray[np.float32], groups: NDArray[Any] | None, seed: int
) -> NDArray[np.float64]:
    """The area over bootstrap resamples of samples, or of whole groups; NaN in a resample of one class."""
    if groups is None:
        unit, sizes = np.arange(len(scores)), np.ones(len(scores), dtype=np.int64)
    else:
        unit, sizes = group_units(groups)
    blocks = [
        _weighted(positive, scores, weights[:, unit])
        for weights in resampled_weights(sizes, len(sizes), seed)
    ]
    return np.concatenate(blocks) if blocks else np.array([np.nan])


def _weighted(
    positive: NDArray[np.bool_], scores: NDArray[np.float32], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The area with each sample counted ``weights`` ``(b, m)`` times."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    counted = weights[:, order]
    above = np.add.reduceat(counted * positive[order], starts, axis=1)
    below = np.add.reduceat(counted * ~positive[order], starts, axis=1)
    won = (above * (np.cumsum(below, axis=1) - below / 2)).sum(axis=1)
    pairs = above.sum(axis=1) * below.sum(axis=1)
    area: NDArray[np.float64] = np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return area
