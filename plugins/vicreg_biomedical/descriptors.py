"""What is measured on cells without learning: intensity, texture and shape of each channel, their overlap.

The kind of features that image cytometry has long lived by (Carpenter et al., "CellProfiler", Genome Biology
7, 2006), so few that a linear classifier can use them with few labels.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from vicreg_biomedical.datasets.pixels import PixelArray
from vicreg_biomedical.datasets.statistics import intensity_features

_LAGS = (1, 2, 4)
_TINY = 1e-6


def describe(crops: PixelArray) -> NDArray[np.float32]:
    """``(n, F) float32`` from crops ``(n, C, H, W)`` or volumes ``(n, C, D, H, W)``, seen from above."""
    flat = crops if crops.ndim == 4 else crops.max(axis=2)
    pixels = flat.astype(np.float32)
    parts = [intensity_features(crops), texture_features(pixels), shape_features(pixels), overlaps(pixels)]
    return np.concatenate(parts, axis=1)


def texture_features(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(n, 4 C)``: mean differences of pixels 1, 2 and 4 apart, and the spread of the Laplacian.

    Each is a share of the channel's deviation, so that it says nothing of how bright the channel is.
    """
    spread = pixels.std(axis=(2, 3)) + _TINY
    columns = []
    for lag in (lag for lag in _LAGS if lag < min(pixels.shape[2:])):
        across = np.abs(pixels[..., lag:] - pixels[..., :-lag]).mean(axis=(2, 3))
        down = np.abs(pixels[:, :, lag:] - pixels[:, :, :-lag]).mean(axis=(2, 3))
        columns.append((across + down) / 2 / spread)
    middle = pixels[:, :, 1:-1, 1:-1]
    around = pixels[:, :, :-2, 1:-1] + pixels[:, :, 2:, 1:-1]
    around = around + pixels[:, :, 1:-1, :-2] + pixels[:, :, 1:-1, 2:]
    columns.append((around - 4 * middle).std(axis=(2, 3)) / spread)
    return np.concatenate(columns, axis=1)


def shape_features(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(n, 6 C)`` of the brighter part of each channel: what is above the middle of its range.

    Its share of the crop, mean brightness in and outside, the lengths of its axes, and how round it is.
    """
    low, high = np.percentile(pixels, (1, 99), axis=(2, 3))[..., None, None]
    mask = pixels > (low + high) / 2
    area = mask.sum(axis=(2, 3)) + _TINY
    inside = (pixels * mask).sum(axis=(2, 3)) / area
    outside = (pixels * ~mask).sum(axis=(2, 3)) / ((~mask).sum(axis=(2, 3)) + _TINY)
    axes = [np.arange(length, dtype=np.float32) for length in mask.shape[2:]]
    down, across = mask.sum(axis=3) @ axes[0] / area, mask.sum(axis=2) @ axes[1] / area
    vertical = axes[0][:, None] - down[..., None, None]
    sideways = axes[1] - across[..., None, None]
    products = ((vertical, vertical), (sideways, sideways), (vertical, sideways))
    yy, xx, xy = ((mask * a * b).sum(axis=(2, 3)) / area for a, b in products)
    half, turn = (yy + xx) / 2, np.sqrt(((yy - xx) / 2) ** 2 + xy**2)
    major, minor = np.sqrt(half + turn), np.sqrt(np.maximum(half - turn, 0))
    share = area / mask[0, 0].size
    columns = [share, inside, outside, major, minor, minor / (major + _TINY)]
    return np.concatenate(columns, axis=1).astype(np.float32)


def overlaps(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(n, C (C - 1) / 2)``: correlation over the pixels of each pair of channels."""
    flat = pixels.reshape(*pixels.shape[:2], -1)
    flat = flat - flat.mean(axis=2, keepdims=True)
    flat /= np.linalg.norm(flat, axis=2, keepdims=True) + _TINY
    pairs = list(combinations(range(pixels.shape[1]), 2))
    columns = [(flat[:, a] * flat[:, b]).sum(axis=1) for a, b in pairs]
    return np.stack(columns, axis=1) if columns else np.empty((len(pixels), 0), np.float32)
