"""95 % intervals of scores measured on a sample of the world."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
_BLOCK_ENTRIES = 4_000_000


def percentile_interval(resampled: NDArray[np.float64]) -> list[float] | None:
    """The middle 95 % of a score over bootstrap resamples; ``None`` where there are none.

    Resamples in which the score is undefined (NaN), such as one of a single class, are left out.
    """
    if np.isnan(resampled).all():
        return None
    low, high = np.nanpercentile(resampled, [2.5, 97.5])
    return [float(low), float(high)]


def mean_interval(values: Sequence[float]) -> list[float]:
    """Student's 95 % interval of the mean of repeated measurements, at least two."""
    from scipy.stats import t  # type: ignore[import-untyped]

    half = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values))
    return [float(np.mean(values) - half), float(np.mean(values) + half)]


def resampled_weights(
    sizes: NDArray[np.int64], draws: int, seed: int, resamples: int = RESAMPLES
) -> Iterator[NDArray[np.float64]]:
    """How often each unit is drawn in each bootstrap resample, in blocks of resamples.

    Resampling ``n`` samples is a multinomial draw of how often each distinct kind of sample comes up; with
    one unit a group it is the cluster bootstrap, which does not take samples of one group for independent.
    A single unit says nothing of how scores vary: nothing is yielded.

    Args:
        sizes: ``(U,)`` relative chance of each unit, at least one.
        draws: units drawn a resample.
        seed: of the draws.
        resamples: number of resamples.

    Yields:
        ``(b, U) float64`` with ``b`` summing to ``resamples``.
    """
    if len(sizes) < 2 and draws < 2:
        return
    generator = np.random.default_rng(seed)
    chance, equal = sizes / sizes.sum(), bool((sizes == sizes[0]).all())
    block = max(1, _BLOCK_ENTRIES // len(sizes))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        if equal:
            # Counting drawn indices is ten times faster than a multinomial with thousands of equal chances.
            drawn = generator.integers(len(sizes), size=(size, draws)) + len(sizes) * np.arange(size)[:, None]
            counts = np.bincount(drawn.ravel(), minlength=size * len(sizes)).reshape(size, -1)
        else:
            counts = generator.multinomial(draws, chance, size=size)
        yield counts.astype(np.float64)


def bootstrap_mean(values: NDArray[np.float64], groups: NDArray[Any] | None, seed: int) -> list[float] | None:
    """The percentile bootstrap interval of the mean of ``(n,)`` values, over samples or whole groups."""
    unit, sizes = (
        (np.arange(len(values)), np.ones(len(values), np.int64)) if groups is None else group_units(groups)
    )
    total, count = np.bincount(unit, weights=values), np.bincount(unit)
    drawn = [(w @ total) / (w @ count) for w in resampled_weights(sizes, len(sizes), seed)]
    return percentile_interval(np.concatenate(drawn)) if drawn else None


def group_units(groups: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Groups as units to draw: the unit ``(n,)`` of each sample, and the units' equal chances ``(U,)``."""
    names, unit = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    return unit.astype(np.int64), np.ones(len(names), dtype=np.int64)
