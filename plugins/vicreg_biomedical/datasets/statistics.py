"""Facts and fitted statistics of a set of crops: what normalisation needs, saved with the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_biomedical.datasets.pixels import PixelArray

FIT_CROPS = 1000
"""Crops the statistics are fitted on, evenly spread: their percentiles change by well under 1 % beyond."""
BOUNDS = (0.1, 99.9)
"""Percentiles of a channel that normalisation brings to 0 and 1."""


def crop_facts(
    crops: Sequence[PixelArray] | PixelArray,
    channel_names: Sequence[str],
    *,
    bit_depth: int | None,
    canvas: tuple[int, ...],
) -> dict[str, Any]:
    """The facts of ``kind`` "cells".

    Args:
        crops: ``n`` arrays ``(C, H, W)``, or ``(C, D, H, W)`` of volumes, of one dtype and number of
            channels, or one array of them.
        channel_names: ``C`` names.
        bit_depth: significant bits of integer pixels; ``None`` for the dtype's own.
        canvas: the height and width a batch has, of volumes the depth before them.
    """
    rows = np.unique(np.linspace(0, len(crops) - 1, min(len(crops), FIT_CROPS)).astype(int))
    chosen = [np.asarray(crops[int(i)]) for i in rows]
    values = [np.concatenate([crop[c].ravel() for crop in chosen]) for c in range(len(channel_names))]
    dtype = chosen[0].dtype
    bounds = [np.percentile(v, BOUNDS).tolist() for v in values]
    uniform = isinstance(crops, np.ndarray) or len({crop.shape for crop in crops}) == 1
    return {
        "kind": "cells",
        "channels": len(channel_names),
        "channel_names": list(channel_names),
        **dict(zip(("width", "height", "depth"), reversed(canvas), strict=False)),
        "dtype": dtype.name,
        "uniform": uniform,
        "range": value_range(dtype, values, bit_depth),
        "statistics": {
            "low": [low for low, _ in bounds],
            "high": [high for _, high in bounds],
            "mean": [float(v.mean(dtype=np.float64)) for v in values],
            "std": [float(v.std(dtype=np.float64)) for v in values],
        },
    }


def value_range(dtype: np.dtype[Any], values: Sequence[PixelArray], bit_depth: int | None) -> list[float]:
    """Lowest and highest value of the bit depth; of float pixels, those seen."""
    if dtype.kind == "f":
        return [float(min(v.min() for v in values)), float(max(v.max() for v in values))]
    return [0.0, float(2 ** (bit_depth or 8 * dtype.itemsize) - 1)]


def intensity_features(crops: PixelArray) -> NDArray[np.float32]:
    """``(n, 7 C) float32`` from crops or volumes: mean, deviation and five percentiles of each channel."""
    flat = crops.reshape(*crops.shape[:2], -1).astype(np.float32)
    percentiles = np.percentile(flat, [1, 25, 50, 75, 99], axis=2).transpose(1, 2, 0)
    columns = [flat.mean(2)[..., None], flat.std(2)[..., None], percentiles]
    return np.concatenate(columns, axis=2).reshape(len(crops), -1).astype(np.float32)


def pixel_features(crops: PixelArray, side: int | None = None) -> NDArray[np.float32]:
    """``(n, F) float32``: the pixels, averaged over blocks.

    Args:
        crops: ``(n, C, H, W)`` or ``(n, C, D, H, W)``.
        side: about how many blocks remain along the longest axis; ``None``: 32, or 16 of a volume.
    """
    side = side or (32 if crops.ndim == 4 else 16)
    step = max(1, round(max(crops.shape[2:]) / side))
    # A volume may have fewer planes than a block is wide: then they are one block.
    widths = [min(step, length) for length in crops.shape[2:]]
    counts = [length // width for length, width in zip(crops.shape[2:], widths, strict=True)]
    kept = tuple(slice(count * width) for count, width in zip(counts, widths, strict=True))
    split = [length for pair in zip(counts, widths, strict=True) for length in pair]
    blocks = crops[:, :, *kept].astype(np.float32).reshape(*crops.shape[:2], *split)
    within = tuple(range(3, blocks.ndim, 2))
    features: NDArray[np.float32] = blocks.mean(axis=within).reshape(len(crops), -1)
    return features
