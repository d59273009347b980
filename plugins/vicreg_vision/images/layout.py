"""What the images of a dataset have in common: channels and size, read from their headers."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vicreg_vision.images.decode import (
    EXIF_ORIENTATION,
    GRAY_MODES,
    SIXTEEN_BIT_MODES,
    WHITE,
    UnreadableImageError,
    widest,
)
from vicreg_vision.images.parallel import each
from vicreg_vision.images.sources import ImageSource, read

SAMPLE = 5_000
"""Most headers that are read."""

WIDE_SAMPLE = 64
"""Most 16-bit images that are decoded for their range."""
BIT_DEPTHS = (8, 10, 12, 14, 16)
"""Of cameras, microscopes and detectors that store 16 bits a pixel."""

_QUARTER_TURNS = (5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class Layout:
    """Common properties of images.

    Attributes:
        channels: 3 if any image is in colour, else 1.
        size: ``(height, width)`` if all images share it, else ``None``.
        white: value of 16-bit images that becomes 255: the highest of the fewest bits that hold all of them.
    """

    channels: int
    size: tuple[int, int] | None
    white: int = WHITE


def evenly_spaced(n: int, most: int) -> NDArray[np.int64]:
    """Up to ``most`` distinct positions spread over ``range(n)``, the same on every call."""
    return np.linspace(0, max(n - 1, 0), num=min(n, most)).astype(np.int64)


def scan_layout(
    source: ImageSource, channels: Literal["auto", 1, 3] = "auto", bit_depth: int | None = None
) -> Layout:
    """The layout of up to :data:`SAMPLE` evenly spaced images; unreadable headers are passed over.

    Of 16-bit images up to :data:`WIDE_SAMPLE` are decoded for their range, which the user is told.

    Args:
        source: the images.
        channels: the number of channels, where it is not to be found out.
        bit_depth: of 16-bit images, where it is not to be found out.
    """
    rows = evenly_spaced(len(source), SAMPLE)
    headers = [(row, h) for row, h in zip(rows, each(lambda i: _header(source, i), rows), strict=True) if h]
    colour = any(header.colour for _, header in headers)
    sizes = {header.size for _, header in headers}
    found = 3 if colour or not headers else 1
    return Layout(
        found if channels == "auto" else channels,
        sizes.pop() if len(sizes) == 1 else None,
        _white(source, [row for row, header in headers if header.wide], bit_depth),
    )


def _white(source: ImageSource, wide: list[np.int64], bit_depth: int | None) -> int:
    """The white of 16-bit images, among which are those at the positions ``wide``."""
    if bit_depth is not None or not wide:
        return WHITE if bit_depth is None else 2**bit_depth - 1
    rows = np.asarray(wide)[evenly_spaced(len(wide), WIDE_SAMPLE)]
    largest = max(each(lambda i: widest(read(source, i)), rows))
    bits = next(bits for bits in BIT_DEPTHS if largest < 2**bits)
    if bits < BIT_DEPTHS[-1]:
        warnings.warn(
            f"the 16-bit images reach {largest:,}, so they are taken for {bits} bits and {2**bits - 1:,} for "
            "white; data.bit_depth sets another",
            stacklevel=2,
        )
    return int(2**bits - 1)


class _Header(NamedTuple):
    """What the header of an image says."""

    colour: bool
    wide: bool
    """16-bit grayscale."""
    size: tuple[int, int]
    """``(height, width)`` when upright."""


def _header(source: ImageSource, index: int) -> _Header | None:
    from PIL import Image

    try:
        with source.open(index) as file, Image.open(file) as image:
            width, height = image.size
            turned = image.getexif().get(EXIF_ORIENTATION) in _QUARTER_TURNS
            size = (width, height) if turned else (height, width)
            return _Header(image.mode not in GRAY_MODES, image.mode in SIXTEEN_BIT_MODES, size)
    except UnreadableImageError:
        return None
    # Only a hint is wanted here; decoding reports what is wrong with an image.
    except Exception:
        return None
