"""Images reduced once to what views need: the shorter side brought to a given number of pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vicreg_vision.images.decode import Decoding, decode_image

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

_SPARE = 2
"""A JPEG is decoded at no less than so many times the wanted side: what lies between is averaged away."""


def decode_reduced(data: bytes, name: str, side: int, how: Decoding | None = None) -> Tensor:
    """Decode an image with its shorter side reduced to ``side``; smaller ones keep their size.

    A JPEG is decoded at an eighth, a quarter or half of its scale where that is enough, which skips most of
    its work; what is left is reduced with antialiasing (Pillow's bicubic).

    Args:
        data: the content of the file.
        name: what errors call the image.
        side: pixels of the shorter side.
        how: white and the limit of size.

    Returns:
        ``(1 | 3, H, W) uint8``, upright.

    Raises:
        UnreadableImageError: as :func:`vicreg_vision.images.decode.decode_image`.
    """

    def fewer(image: PILImage) -> None:
        wanted = _SPARE * side
        if min(image.size) > wanted:
            scale = wanted / min(image.size)
            image.draft(None, (round(image.width * scale), round(image.height * scale)))

    return reduced_to(decode_image(data, name, how, before=fewer), side)


def reduced_to(image: Tensor, side: int) -> Tensor:
    """``(C, H, W) uint8`` with its shorter side at most ``side``."""
    height, width = image.shape[1:]
    if min(height, width) <= side:
        return image
    from PIL import Image

    scale = side / min(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    planes = [Image.fromarray(plane.numpy()).resize(size, Image.Resampling.BICUBIC) for plane in image]
    return torch.stack([_tensor_of(plane) for plane in planes])


def _tensor_of(plane: PILImage) -> Tensor:
    return torch.frombuffer(bytearray(plane.tobytes()), dtype=torch.uint8).view(plane.height, plane.width)
