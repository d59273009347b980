"""Intervals of shares."""

from __future__ import annotations

import math

_Z = 1.959963984540054


def wilson_interval(correct: float, n: float) -> list[float]:
    """The Wilson score interval of a proportion (Wilson, JASA 22, 1927).

    Unlike a bootstrap it keeps its coverage near 0 and 1, where all resamples of all-correct answers agree.

    Args:
        correct: number of successes among ``n`` independent trials.
        n: at least 1, effective where trials are not independent.
    """
    share, shrink = correct / n, 1.0 + _Z**2 / n
    centre = (share + _Z**2 / (2 * n)) / shrink
    half = _Z / shrink * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return [max(0.0, centre - half), min(1.0, centre + half)]
