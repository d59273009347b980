"""Views of one image of any size: the random crop made in a loader worker, and the centre view.

Both keep the image's dtype, rounding to it, so that a worker hands over a quarter of the bytes of float32.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vicreg_core.contracts.keys import Keys
from vicreg_core.data.resize import resize_planes
from vicreg_vision.augmentations.boxes import draw_box
from vicreg_vision.augmentations.presets import ViewSettings


def crop_view(image: Tensor, key: Keys, settings: ViewSettings) -> Tensor:
    """The random resized crop ``(C, size, size)`` of an image ``(C, H, W)``, mirrored or not."""
    height, width = image.shape[1:]
    top, left, rows, columns, mirrored = draw_box(
        key, height, width, settings.crop_scale, settings.crop_ratio, settings.flip
    )
    crop = image[:, top : top + rows, left : left + columns]
    view = _resize(crop[None], settings.size, settings.size, settings.interpolation)[0]
    return view.flip(-1) if mirrored else view


def centre_view(images: Tensor, settings: ViewSettings) -> Tensor:
    """The evaluation view: shorter side to ``size / evaluation_crop``, then the centre ``size`` x ``size``.

    ``size`` is ``evaluation_size``; images ``(..., C, H, W)`` of that size are returned as they are.
    """
    size = settings.evaluation_size
    height, width = images.shape[-2:]
    if (height, width) == (size, size):
        return images
    shorter = round(size / settings.evaluation_crop)
    scale = shorter / min(height, width)
    rows, columns = max(size, round(height * scale)), max(size, round(width * scale))
    batch = images if images.ndim == 4 else images[None]
    resized = _resize(batch, rows, columns, settings.interpolation)
    top, left = (rows - size) // 2, (columns - size) // 2
    return resized[..., top : top + size, left : left + size].reshape(*images.shape[:-2], size, size)


def _resize(images: Tensor, height: int, width: int, interpolation: str) -> Tensor:
    """Antialiased resize of a batch ``(B, C, H, W)``; integer images are rounded and kept in range."""
    resized = resize_planes(images, (height, width), interpolation, fixed_point=True)
    return resized.clamp(0.0, 1.0) if images.dtype == torch.float32 else resized
