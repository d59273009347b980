"""From the bytes of an image file to a ``uint8`` tensor.

Pillow decodes everything. torchvision's JPEG decoder measured 1.5 to 2.5 times as fast, but is deprecated
since torchvision 0.29, and its PNG decoder can crash the process on a damaged file.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vicreg_core.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

Pixels: TypeAlias = NDArray[np.uint8]

SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I")
GRAY_MODES = ("1", "L", "LA", "La", "F", *SIXTEEN_BIT_MODES)
"""Pillow's modes of a single channel, transparency aside."""

EXIF_ORIENTATION = 0x0112
_ADVICE = "convert the image to 8 or 16 bits"


class UnreadableImageError(DataError):
    """An image that cannot be decoded.

    Attributes:
        name: the file or row.
        reason: what is wrong with it.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return (
            f"cannot read image {self.name}: {self.reason.rstrip('.')}. "
            f"Repair or remove it, or set data.on_error=skip to leave such images out"
        )


WHITE = 65_535
"""The value of a 16-bit image that becomes 255, where no other is known."""
MOST_MIB = 256


@dataclass(frozen=True, slots=True)
class Decoding:
    """How images are decoded: the same for training, evaluation and new images of a model.

    Attributes:
        white: value of a 16-bit image that becomes 255; cameras and microscopes often store 12 bits in 16.
        most_mib: most memory of one decoded image, in MiB.
    """

    white: int = WHITE
    most_mib: int = MOST_MIB


def decode_image(
    data: bytes,
    name: str,
    how: Decoding | None = None,
    *,
    before: Callable[[PILImage], None] = lambda _: None,
) -> Tensor:
    """Decode the bytes of an image file, turned upright by its EXIF orientation.

    16-bit grayscale is scaled to 8 bits (``how.white`` becomes 255, and what is brighter too), transparency
    is laid over white, and of an animation or a multi-page file the first picture is taken.

    Args:
        data: the content of the file.
        name: what errors call the image.
        how: white and the limit of size.
        before: called with the opened image before its pixels are decoded.

    Returns:
        ``(1, H, W)`` (grayscale) or ``(3, H, W)`` (RGB) ``uint8``.

    Raises:
        UnreadableImageError: for empty, truncated or damaged files, pixels of neither 8 nor 16 bits, and
            images that take more memory than allowed, which are not decoded.
    """
    if not data:
        raise UnreadableImageError(name, "the file is empty (0 bytes)")
    from PIL import Image, ImageOps, UnidentifiedImageError

    how = how or Decoding()
    try:
        with Image.open(io.BytesIO(data)) as image:
            _require_size(image, how.most_mib)
            before(image)
            turned = image.getexif().get(EXIF_ORIENTATION, 1) != 1
            return torch.from_numpy(_pixels(ImageOps.exif_transpose(image) if turned else image, how.white))
    except UnidentifiedImageError:
        raise UnreadableImageError(name, "not an image in a known format") from None
    except _UnsupportedError as error:
        raise UnreadableImageError(name, str(error)) from None
    # Pillow's readers raise whatever a damaged file leads them into: OSError, ValueError, SyntaxError,
    # struct.error, IndexError and more.
    except Exception as error:
        raise UnreadableImageError(name, str(error) or type(error).__name__) from error


class _UnsupportedError(ValueError):
    """Pixels that have no agreed meaning as an 8-bit image."""


def _require_size(image: PILImage, most_mib: int) -> None:
    """Refuse by its header what would take minutes and gigabytes to decode."""
    size = image.width * image.height * (1 if image.mode in GRAY_MODES else 3)
    if size > most_mib << 20:
        raise _UnsupportedError(
            f"its {image.width:,} x {image.height:,} pixels take {size >> 20:,} MiB when decoded, more than "
            f"data.max_image_mib={most_mib} allows"
        )


def widest(data: bytes) -> int:
    """The largest pixel of a 16-bit grayscale image; 0 where it is no such image, or cannot be read."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            return int(np.asarray(image).max()) if image.mode in SIXTEEN_BIT_MODES else 0
    # Only a range is wanted here; decoding reports what is wrong with an image.
    except Exception:
        return 0


def _pixels(image: PILImage, white: int) -> Pixels:
    """``(1 | 3, H, W) uint8`` of an upright image."""
    if image.mode in SIXTEEN_BIT_MODES:
        return to_eight_bits(np.asarray(image), white)[np.newaxis]
    if image.mode == "F":
        raise _UnsupportedError(f"32-bit floating-point pixels have no fixed range; {_ADVICE}")
    gray = image.mode in GRAY_MODES
    if image.has_transparency_data:
        image = _over_white(image)
    wanted = "L" if gray else "RGB"
    pixels = np.array(image if image.mode == wanted else image.convert(wanted))
    return pixels[np.newaxis] if gray else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _over_white(image: PILImage) -> PILImage:
    from PIL import Image

    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)


def to_eight_bits(pixels: NDArray[Any], white: int) -> Pixels:
    """16-bit values as 8 bits, of which ``white`` is 255; Pillow holds them in 32 bits for some formats.

    Raises:
        ValueError: a value is negative or beyond 16 bits.
    """
    if pixels.min() < 0 or pixels.max() > 65_535:
        raise _UnsupportedError(f"pixels from {pixels.min()} to {pixels.max()}, beyond 16 bits; {_ADVICE}")
    wide = np.minimum(pixels.astype(np.uint32), white)
    return ((wide * 255 + white // 2) // white).astype(np.uint8)


def to_channels(image: Tensor, channels: int) -> Tensor:
    """``(1 | 3, H, W) uint8`` as ``(channels, H, W)``; colour becomes gray by the luma of ITU-R 601."""
    if image.shape[0] == channels:
        return image
    if channels == 3:
        return image.expand(3, -1, -1).contiguous()
    red, green, blue = image.to(torch.int32)
    luma: Tensor = (red * 19_595 + green * 38_470 + blue * 7_471 + 32_768) >> 16
    return luma.to(torch.uint8).unsqueeze(0)
