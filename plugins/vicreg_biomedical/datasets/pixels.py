"""Pixel-level helpers shared by readers, datasets and inference.

A crop is ``(C, H, W)``; where an image has several planes in depth it is a volume ``(C, D, H, W)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.errors import DataError

PixelArray = NDArray[Any]
DTYPES = ("uint8", "uint16", "float32")


def check_crop(pixels: PixelArray, name: str) -> None:
    """Refuse what no encoder can take.

    Raises:
        DataError: naming ``name``, for an array that is neither ``(C, H, W)`` nor ``(C, D, H, W)``, is empty,
            of a dtype other than uint8, uint16 and float32, holds NaN or infinity, or no difference between
            any two pixels.
    """
    if pixels.ndim not in (3, 4) or 0 in pixels.shape:
        raise DataError(
            f"{name}: expected a crop of shape (channels, height, width), or a volume of shape "
            f"(channels, depth, height, width), got {pixels.shape}"
        )
    if pixels.dtype.name not in DTYPES:
        raise DataError(
            f"{name}: pixels are {pixels.dtype.name}; expected one of {', '.join(DTYPES)}. Convert them, or "
            f"set data.as_float=true where the dataset is biomedical/crops"
        )
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        bad = int((~np.isfinite(pixels)).sum())
        raise DataError(f"{name}: {bad} of {pixels.size} pixels are NaN or infinite")
    flat = pixels.reshape(len(pixels), -1)
    if flat.shape[1] > 1 and (flat == flat[:, :1]).all():
        raise DataError(f"{name}: is empty: every channel holds one value only")


def constant_channels(pixels: PixelArray, names: Sequence[str]) -> list[str]:
    """The channels of a crop that hold one value only, as of a camera that was off."""
    return [name for name, plane in zip(names, pixels, strict=True) if (plane == plane.flat[0]).all()]


def with_remedy(error: DataError, what: str) -> DataError:
    """An error of one file, and what can be done about it where it does not say so itself."""
    said = str(error)
    if "data." in said:
        return error
    return DataError(
        f"{said.rstrip('.')}. Mend or remove it, or set data.on_error=skip to leave such {what} out"
    )


def left_out(name: str, error: DataError) -> str:
    """A line of what was left out and why, with the name once."""
    reason = str(error)
    return reason if reason.startswith(name) else f"{name}: {reason}"


def project_depth(pixels: PixelArray, depth: str) -> PixelArray:
    """A volume ``(C, D, H, W)`` as ``depth`` asks: as it is (``"keep"``) or its projection along the axis
    of the light, ``"max"`` or ``"mean"``, ``(C, H, W)`` of the same dtype. A ``(C, H, W)`` crop passes.
    """
    if pixels.ndim != 4 or depth == "keep":
        return pixels
    if depth == "max":
        highest: PixelArray = pixels.max(axis=1)
        return highest
    mean = pixels.mean(axis=1, dtype=np.float64)
    rounded: PixelArray = (mean if pixels.dtype.kind == "f" else mean.round()).astype(pixels.dtype)
    return rounded


def canvas_of(facts: Mapping[str, Any]) -> tuple[int, ...]:
    """``(height, width)`` of the crops of a dataset, or ``(depth, height, width)`` of its volumes."""
    return tuple(int(facts[axis]) for axis in ("depth", "height", "width") if axis in facts)


def fit_canvas(pixels: PixelArray, canvas: tuple[int, ...]) -> PixelArray:
    """Centre a crop on a canvas at the same pixel size: cut what is outside, repeat the border inside.

    Repeating the border, rather than writing zeros, adds no edge that an encoder could read the size from.

    Args:
        pixels: ``(C, H, W)``, or ``(C, D, H, W)``.
        canvas: as many lengths as the crop has axes of space.
    """
    for axis, target in enumerate(canvas, 1):
        length = pixels.shape[axis]
        if length > target:
            start = (length - target) // 2
            pixels = np.take(pixels, np.arange(start, start + target), axis=axis)
        elif length < target:
            before = (target - length) // 2
            widths = [(0, 0)] * pixels.ndim
            widths[axis] = (before, target - length - before)
            pixels = np.pad(pixels, widths, mode="edge")
    return np.ascontiguousarray(pixels)
