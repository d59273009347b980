"""What the images of a dataset have in common: channels and size, read from their headers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vicreg_vision.datasets.decode import EXIF_ORIENTATION, GRAY_MODES, UnreadableImageError
from vicreg_vision.datasets.parallel import each
from vicreg_vision.datasets.sources import ImageSource

SAMPLE = 5_000
"""Most headers that are read."""

_QUARTER_TURNS = (5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class Layout:
    """Common properties of images.

    Attributes:
        channels: 3 if any image is in colour, else 1.
        size: ``(height, width)`` if all images share it, else ``None``.
    """

    channels: int
    size: tuple[int, int] | None


def evenly_spaced(n: int, most: int) -> NDArray[np.int64]:
    """Up to ``most`` distinct positions spread over ``range(n)``, the same on every call."""
    return np.linspace(0, max(n - 1, 0), num=min(n, most)).astype(np.int64)


def scan_layout(source: ImageSource, channels: Literal["auto", 1, 3] = "auto") -> Layout:
    """The layout of up to :data:`SAMPLE` evenly spaced images; unreadable headers are passed over.

    Args:
        source: the images.
        channels: the number of channels, where it is not to be found out.
    """
    headers = [h for h in each(lambda i: _header(source, i), evenly_spaced(len(source), SAMPLE)) if h]
    colour = any(is_colour for is_colour, _ in headers)
    sizes = {size for _, size in headers}
    found = 3 if colour or not headers else 1
    return Layout(found if channels == "auto" else channels, sizes.pop() if len(sizes) == 1 else None)


def _header(source: ImageSource, index: int) -> tuple[bool, tuple[int, int]] | None:
    """Whether an image is in colour, and its ``(height, width)`` when upright."""
    from PIL import Image

    try:
        with source.open(index) as file, Image.open(file) as image:
            width, height = image.size
            turned = image.getexif().get(EXIF_ORIENTATION) in _QUARTER_TURNS
            return image.mode not in GRAY_MODES, ((width, height) if turned else (height, width))
    except UnreadableImageError:
        return None
    # Only a hint is wanted here; decoding reports what is wrong with an image.
    except Exception:
        return None
