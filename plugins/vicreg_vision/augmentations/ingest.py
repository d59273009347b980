"""From what a user holds (a path, bytes, a PIL image, an array, a tensor) to a raw sample ``(C, H, W)``.

Files go through the decoder of the datasets, so that a model sees the pixels it was trained on.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vicreg_core.data.paths import regular_file
from vicreg_core.errors import DataError
from vicreg_vision.augmentations.facts import ImageFacts
from vicreg_vision.images.decode import (
    GRAY_MODES,
    SIXTEEN_BIT_MODES,
    decode_image,
    to_channels,
    to_eight_bits,
)

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

ACCEPTED = "a path, the bytes of an image file, a PIL image, a NumPy array or a tensor"
_ROUNDING_SLACK = 1e-4


def read_image(item: Any, facts: ImageFacts) -> Tensor:
    """One image as a raw sample ``(C, H, W)`` in the channels and dtype of the data.

    Arrays are taken as ``(H, W)`` or ``(H, W, C)`` and tensors as ``(H, W)`` or ``(C, H, W)``; the other
    order is recognised where only it gives a possible number of channels. Floating values are intensities
    in ``[0, 1]``. Transparency is laid over white, gray is repeated, colour becomes gray by its luma.

    Raises:
        DataError: naming the item, where it cannot be read or does not fit the data.
    """
    if isinstance(item, str | os.PathLike):
        return _decode(_read_file(Path(item)), str(item), facts)
    if isinstance(item, bytes | bytearray | memoryview):
        return _decode(bytes(item), f"of {len(item)} bytes", facts)
    if isinstance(item, Tensor):
        name = f"tensor of shape {tuple(item.shape)}"
        return _from_array(item.detach().cpu().numpy(), facts, name, channels_first=True)
    if isinstance(item, np.ndarray):
        return _from_array(item, facts, f"array of shape {item.shape}", channels_first=False)
    if hasattr(item, "getexif"):
        name = f"PIL image of mode {item.mode} and {item.width} x {item.height} pixels"
        return _from_array(_pil_pixels(item, name), facts, name, channels_first=False)
    raise DataError(f"cannot read {type(item).__name__} {item!r:.80} as an image: expected {ACCEPTED}")


def _read_file(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_dir():
            regular_file(path)
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read image {path}: {error.strerror or error}") from None


def _decode(data: bytes, name: str, facts: ImageFacts) -> Tensor:
    if facts.dtype != "uint8":
        raise DataError(
            f"cannot read image {name}: files are decoded to 8 bits, but the model takes {facts.dtype}; "
            f"give an array of {facts.dtype} instead"
        )
    return _fit_channels(decode_image(data, name, facts.decoding), facts, name)


def _pil_pixels(image: PILImage, name: str) -> NDArray[Any]:
    """``(H, W)`` or ``(H, W, 3 | 4)`` of a PIL image, upright."""
    from PIL import ImageOps

    try:
        image = ImageOps.exif_transpose(image)
        if image.mode not in ("F", *SIXTEEN_BIT_MODES):
            opaque = "L" if image.mode in GRAY_MODES else "RGB"
            image = image.convert("RGBA" if image.has_transparency_data else opaque)
        pixels = np.asarray(image)
    # An image opened from a damaged file fails here, with whatever Pillow's reader is led into.
    except Exception as error:
        raise DataError(f"cannot read {name}: {str(error) or type(error).__name__}") from error
    if image.mode not in SIXTEEN_BIT_MODES:
        return pixels
    if pixels.min() < 0 or pixels.max() > 65_535:
        raise DataError(f"{name}: pixels from {pixels.min()} to {pixels.max()}, beyond 16 bits")
    return pixels.astype(np.uint16)


def _from_array(values: NDArray[Any], facts: ImageFacts, name: str, *, channels_first: bool) -> Tensor:
    if values.ndim not in (2, 3) or values.size == 0:
        raise DataError(f"cannot read {name} as an image: expected (H, W), (H, W, C) or (C, H, W)")
    if values.ndim == 2:
        values = values[None]
    else:
        possible = {1, 2, 3, 4, facts.channels}
        own, other = (0, 2) if channels_first else (2, 0)
        if values.shape[own] not in possible and values.shape[other] in possible:
            own = other
        values = np.moveaxis(values, own, 0)
    if values.dtype == np.uint16 and facts.dtype == "uint8":
        values = to_eight_bits(values, facts.decoding.white)
    image = torch.from_numpy(np.array(_to_dtype(values, facts.dtype, name)))
    return _fit_channels(image, facts, name)


def _to_dtype(values: NDArray[Any], dtype: str, name: str) -> NDArray[Any]:
    """Values in the dtype of the data, white staying white."""
    if values.dtype.name == dtype and dtype != "float32":
        return values
    largest = {"bool": 1.0, "uint8": 255.0, "uint16": 65_535.0}.get(values.dtype.name, 1.0)
    if values.dtype.kind not in "buf" or values.dtype.name in ("uint32", "uint64"):
        raise DataError(f"{name}: expected uint8, uint16 or floating values in [0, 1], got {values.dtype}")
    unit = values.astype(np.float64) / largest
    if not (unit.min() >= -_ROUNDING_SLACK and unit.max() <= 1.0 + _ROUNDING_SLACK):
        raise DataError(
            f"{name}: floating images are expected in [0, 1], got values from {values.min()} to "
            f"{values.max()}; divide by the value of white"
        )
    unit = unit.clip(0.0, 1.0)
    if dtype == "float32":
        return unit.astype(np.float32)
    return np.rint(unit * np.iinfo(dtype).max).astype(dtype)


def _fit_channels(image: Tensor, facts: ImageFacts, name: str) -> Tensor:
    """``(C, H, W)`` with the channels of the data, where there is one way to get them."""
    if image.shape[0] == facts.channels:
        return image
    if facts.dtype == "uint8" and facts.channels in (1, 3):
        if image.shape[0] in (2, 4):
            image = _over_white(image)
        if image.shape[0] in (1, 3):
            return to_channels(image, facts.channels)
    raise DataError(
        f"image {name} has {image.shape[0]} channel(s), the model takes {facts.dtype} images of "
        f"{facts.channels} channel(s)"
    )


def _over_white(image: Tensor) -> Tensor:
    """Colour or gray with transparency ``(4 | 2, H, W) uint8`` laid over white, without its last channel."""
    alpha = image[-1:].to(torch.float32) / 255.0
    colour = image[:-1].to(torch.float32) * alpha + 255.0 * (1.0 - alpha)
    return colour.round_().to(torch.uint8)
