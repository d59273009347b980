"""Pixel-level helpers shared by readers, datasets and inference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.errors import DataError

PixelArray = NDArray[Any]
DTYPES = ("uint8", "uint16", "float32")


def check_crop(pixels: PixelArray, name: str) -> None:
    """Refuse what no encoder can take.

    Raises:
        DataError: naming ``name``, for an array that is not ``(C, H, W)``, is empty, of a dtype other than
            uint8, uint16 and float32, holds NaN or infinity, or no difference between any two pixels.
    """
    if pixels.ndim != 3 or 0 in pixels.shape:
        raise DataError(f"{name}: expected a crop of shape (channels, height, width), got {pixels.shape}")
    if pixels.dtype.name not in DTYPES:
        raise DataError(
            f"{name}: pixels are {pixels.dtype.name}; expected one of {', '.join(DTYPES)}. Convert them, or "
            f"set data.as_float=true where the dataset is biomedical/crops"
        )
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        bad = int((~np.isfinite(pixels)).sum())
        raise DataError(f"{name}: {bad} of {pixels.size} pixels are NaN or infinite")
    if pixels.size > len(pixels) and (pixels == pixels[:, :1, :1]).all():
        raise DataError(f"{name}: is empty: every channel holds one value only")


def constant_channels(pixels: PixelArray, names: Sequence[str]) -> list[str]:
    """The channels of ``(C, H, W)`` that hold one value only, as of a camera that was off."""
    return [name for name, plane in zip(names, pixels, strict=True) if (plane == plane[0, 0]).all()]


def left_out(name: str, error: DataError) -> str:
    """A line of what was left out and why, with the name once."""
    reason = str(error)
    return reason if reason.startswith(name) else f"{name}: {reason}"


def fit_canvas(pixels: PixelArray, canvas: tuple[int, int]) -> PixelArray:
    """Centre ``(C, H, W)`` on a canvas at the same pixel size: cut what is outside, repeat the border inside.

    Repeating the border, rather than writing zeros, adds no edge that an encoder could read the size from.
    """
    for axis, target in zip((1, 2), canvas, strict=True):
        length = pixels.shape[axis]
        if length > target:
            start = (length - target) // 2
            pixels = np.take(pixels, np.arange(start, start + target), axis=axis)
        elif length < target:
            before = (target - length) // 2
            widths = [(0, 0)] * 3
            widths[axis] = (before, target - length - before)
            pixels = np.pad(pixels, widths, mode="edge")
    return np.ascontiguousarray(pixels)
