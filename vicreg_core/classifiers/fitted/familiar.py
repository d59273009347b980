"""Whether a sample is like what was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vicreg_core.classifiers.neighbours import nearest
from vicreg_core.classifiers.pool import Pool

_REFERENCE = 20_000
_NEIGHBOUR = 10
_SHARE = 0.01
"""Of the training samples themselves that are farther from their like than what counts as familiar."""


@dataclass(frozen=True)
class Familiar:
    """Compares samples with at most 20,000 training samples (Sun et al., "Out-of-distribution detection with
    deep nearest neighbors", arXiv:2204.06507).

    Attributes:
        reference: ``(r, D) float16`` training samples at unit length.
        least: cosine with the tenth nearest of them below which a sample is not familiar: one training sample
            in a hundred lies farther off.
    """

    reference: Tensor
    least: float

    @classmethod
    def of(cls, pool: Pool) -> Familiar:
        """That of the samples of a pool."""
        rows = np.sort(np.random.default_rng(pool.seed).permutation(len(pool.vectors))[:_REFERENCE])
        reference = pool.unit[rows].cpu().to(torch.float16)
        place = min(_NEIGHBOUR + 1, len(rows))  # itself is one of them
        similarity = _similarity(reference.float().numpy(), reference, place)
        return cls(reference, float(np.quantile(similarity, _SHARE)))

    def unfamiliar(self, unit: NDArray[np.float32]) -> NDArray[np.bool_]:
        """``(m,)``: whether samples ``(m, D)`` at unit length lie outside what was trained on."""
        place = min(_NEIGHBOUR, len(self.reference))
        unfamiliar: NDArray[np.bool_] = _similarity(unit, self.reference, place) < self.least
        return unfamiliar

    def tensors(self) -> dict[str, Tensor]:
        """What is saved beside :attr:`least`."""
        return {"reference": self.reference}


def _similarity(unit: NDArray[np.float32], reference: Tensor, place: int) -> NDArray[np.float32]:
    """Cosine of each sample with its ``place``-th nearest reference sample."""
    found: NDArray[np.float32] = nearest(unit, reference.float().numpy(), place).similarity[:, -1].numpy()
    return found
