"""How probable it is that two samples lie so near to one another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAME = 1e-6
"""Cosine distance of samples that are equal up to rounding."""


@dataclass(frozen=True)
class Chance:
    """What is usual among the neighbours of samples, in one measure of distance.

    What is near depends on where one is. Of ``k`` neighbours spread evenly around a sample in ``d``
    dimensions, one is within the share ``x`` of the distance to the others with a probability of about
    ``k x ** d``. The dimension is that of the data (Levina and Bickel, "Maximum likelihood estimation of
    intrinsic dimension", NeurIPS 2004), the distance to the others the median of those known.

    Attributes:
        usual: ``(n,)`` the median distance of a sample to its neighbours.
        dimension: of the data.
    """

    usual: NDArray[np.float32]
    dimension: float

    @classmethod
    def of(cls, distance: NDArray[np.float32]) -> Chance:
        """Of the distances ``(n, k)`` of each sample to its neighbours, nearest first."""
        # From the fifth on, which near-duplicates are not among.
        far = np.maximum(distance[:, min(4, distance.shape[1] - 1) :], 1e-9)
        spread = np.log(far[:, -1:] / far[:, :-1]).mean(axis=1) if far.shape[1] > 1 else np.ones(len(far))
        return cls(np.median(distance, axis=1), 1.0 / max(float(np.median(spread)), 1e-3))

    def log_probability(self, pairs: NDArray[np.int64], distance: NDArray[np.float32]) -> NDArray[np.float64]:
        """``(p,)``: logarithm of how probable the distance of each pair ``(p, 2)`` is; -inf of equals."""
        first, second = pairs.T
        usual = np.minimum(self.usual[first], self.usual[second]).astype(np.float64)
        with np.errstate(divide="ignore"):
            logs: NDArray[np.float64] = self.dimension * (np.log(distance, dtype=np.float64) - np.log(usual))
        # Where most neighbours are equal to the sample, the usual distance is none.
        logs[usual <= np.sqrt(2 * SAME)] = 0.0
        logs[distance <= np.sqrt(2 * SAME)] = -np.inf
        return logs
