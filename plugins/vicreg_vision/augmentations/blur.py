"""Gaussian blur and solarisation, on planes ``(C, n, S, S)`` in ``[0, 1]``."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

SIGMA_LEVELS = 256


@lru_cache(maxsize=16)
def sigma_levels(low: float, high: float) -> tuple[float, ...]:
    """The standard deviations a blur is drawn from: midpoints of ``SIGMA_LEVELS`` equal steps, in pixels.

    Few enough that the kernels are a table. An exponential per batch could differ in its last bit with the
    place of a sample in the batch.
    """
    step = (high - low) / SIGMA_LEVELS
    return tuple(low + (level + 0.5) * step for level in range(SIGMA_LEVELS))


@lru_cache(maxsize=16)
def half_kernels(sigmas: tuple[float, ...], width: int) -> Tensor:
    """``(len(sigmas), width // 2 + 1) float32``: centre and one side of each normalised Gaussian kernel."""
    kernels = []
    for sigma in sigmas:
        side = [math.exp(-0.5 * (offset / sigma) ** 2) for offset in range(width // 2 + 1)]
        total = side[0] + 2.0 * math.fsum(side[1:])
        kernels.append([value / total for value in side])
    return torch.tensor(kernels, dtype=torch.float32)


def gaussian_blur(planes: Tensor, kernels: Tensor) -> Tensor:
    """Blur each image with its own kernel, borders reflected.

    Args:
        planes: ``(C, n, S, S)``, with ``S`` larger than the kernels' radius.
        kernels: ``(n, radius + 1)`` rows of :func:`half_kernels`.
    """
    radius = kernels.shape[1] - 1
    weights = kernels.t()[:, :, None, None]
    down = F.pad(planes, (0, 0, radius, radius), mode="reflect")
    across = F.pad(_weigh(down, weights, 2), (radius, radius, 0, 0), mode="reflect")
    return _weigh(across, weights, 3)


def solarise(planes: Tensor, threshold: float) -> Tensor:
    """Invert values from ``threshold`` (in ``(0, 1]``) on, without a selection per pixel."""
    # F.threshold keeps what is strictly above its argument, so it is given the float just below.
    below = torch.nextafter(torch.tensor(threshold), torch.tensor(0.0)).item()
    bright = F.threshold(planes, below, 0.0)
    return (planes - bright - bright).add_(bright.sign_())


def _weigh(padded: Tensor, weights: Tensor, dim: int) -> Tensor:
    """Symmetric weighted sum of shifted copies along ``dim``; the length shrinks by twice the radius."""
    radius = len(weights) - 1
    length = padded.shape[dim] - 2 * radius
    total = padded.narrow(dim, radius, length) * weights[0]
    pair = torch.empty_like(total)
    for offset in range(1, radius + 1):
        before, after = (padded.narrow(dim, radius + side * offset, length) for side in (-1, 1))
        total.add_(torch.add(before, after, out=pair).mul_(weights[offset]))
    return total
