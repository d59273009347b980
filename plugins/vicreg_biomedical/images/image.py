"""One image in memory, in the one order of axes that everything here takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vicreg_biomedical.datasets.pixels import PixelArray
from vicreg_core.errors import DataError

LIMIT = "data.max_image_mib"
"""The key that raises the limit of an image."""
SLIDE = "Tile it first, if it is a whole slide"
LARGEST_MIB = 2048
"""Of an image; a larger one is a whole slide, which has to be tiled before cells can be cut from it."""


@dataclass(frozen=True, slots=True)
class CellImage:
    """One image.

    Attributes:
        pixels: ``(C, H, W)`` or ``(C, D, H, W)`` of the file's own dtype, channels in the file's order.
        channel_names: ``C`` names, or ``None`` where the file carries none.
    """

    pixels: PixelArray
    channel_names: tuple[str, ...] | None = None


def to_channels_first(array: PixelArray, axes: str, name: str) -> PixelArray:
    """An array whose axes are named as in OME (``TCZYX``, ``S`` for samples of RGB) to ``(C, H, W)``, or to
    ``(C, D, H, W)`` where it has several planes in depth.

    Pages of a plain multi-page TIFF (axes ``I`` or ``Q``) are its channels.

    Raises:
        DataError: for several time points, or two axes that could be the channel.
    """
    kept = [axis for axis, length in zip(axes, array.shape, strict=True) if length > 1 or axis in "YX"]
    array = array.reshape([length for axis, length in zip(axes, array.shape, strict=True) if axis in kept])
    if "T" in kept:
        count = array.shape[kept.index("T")]
        raise DataError(f"{name}: has {count} time points; expected one. Split it into a file each first")
    others = [axis for axis in kept if axis not in "ZYX"]
    if kept.count("Y") != 1 or kept.count("X") != 1 or len(others) > 1:
        raise DataError(
            f"{name}: has axes {axes} of shape {array.shape}; expected a channel axis and two or three of "
            f"space"
        )
    order = [kept.index(axis) for axis in (*others, *("Z" * kept.count("Z")), "Y", "X")]
    array = array.transpose(order)
    return np.ascontiguousarray(array if others else array[None])
