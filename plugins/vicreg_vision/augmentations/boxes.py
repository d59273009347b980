"""Where a random resized crop is cut, and whether it is mirrored: whole numbers drawn from keys.

The draw is that of Inception-style crops (area and aspect ratio uniform, the latter on a log scale, up to
ten attempts, else the largest centred box). It uses only operations that IEEE 754 rounds exactly, so that a
box is the same in any batch and on any device; the one that is not, the exponential of the log ratio, is
read from a table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import torch
from torch import Tensor

from vicreg_core.contracts.keys import Keys

Range: TypeAlias = tuple[float, float]
ATTEMPTS = 10
RATIO_LEVELS = 4096


@dataclass(frozen=True, slots=True)
class Boxes:
    """One crop a sample, in whole pixels of the raw image.

    Attributes:
        top, left, height, width: ``(B,) int64``.
        flip: ``(B,) bool``, mirror the crop left to right.
    """

    top: Tensor
    left: Tensor
    height: Tensor
    width: Tensor
    flip: Tensor


def draw_boxes(keys: Keys, height: int, width: int, scale: Range, ratio: Range, flip: float) -> Boxes:
    """Draw one crop a key from images of ``height`` x ``width`` pixels.

    Args:
        scale: least and largest share of the image's area.
        ratio: least and largest width / height, drawn uniformly on a log scale.
        flip: probability of mirroring.
    """
    draws = keys.uniform("crop", 3 + 2 * ATTEMPTS).to(torch.float64)
    area = (draws[:, 3 : 3 + ATTEMPTS] * (scale[1] - scale[0]) + scale[0]) * (height * width)
    aspect = _ratio_table(*ratio).to(draws.device)[(draws[:, 3 + ATTEMPTS :] * RATIO_LEVELS).long()]
    box_width = (area * aspect).sqrt().round().long()
    box_height = (area / aspect).sqrt().round().long()
    fits = (box_width > 0) & (box_width <= width) & (box_height > 0) & (box_height <= height)
    # argmax names the first attempt that fits, and attempt 0 where none does.
    first = fits.to(torch.uint8).argmax(dim=1, keepdim=True)
    found = fits.gather(1, first)[:, 0]
    centred_height, centred_width = _largest_centred(height, width, ratio)
    box_height = torch.where(found, box_height.gather(1, first)[:, 0], centred_height)
    box_width = torch.where(found, box_width.gather(1, first)[:, 0], centred_width)
    top = (draws[:, 0] * (height - box_height + 1)).long()
    left = (draws[:, 1] * (width - box_width + 1)).long()
    top = torch.where(found, top, (height - centred_height) // 2)
    left = torch.where(found, left, (width - centred_width) // 2)
    return Boxes(top, left, box_height, box_width, draws[:, 2] < flip)


def draw_box(
    key: Keys, height: int, width: int, scale: Range, ratio: Range, flip: float
) -> tuple[int, int, int, int, bool]:
    """Top, left, height, width and flip of the crop of one key: :func:`draw_boxes` without tensors.

    A loader worker draws for one image at a time, where fifty operations on tensors of one element would
    cost as much as the resize.
    """
    mirrored = key.number("crop", 2) < flip
    for attempt in range(3, 3 + ATTEMPTS):
        area = (key.number("crop", attempt) * (scale[1] - scale[0]) + scale[0]) * (height * width)
        aspect = _ratio_levels(*ratio)[int(key.number("crop", attempt + ATTEMPTS) * RATIO_LEVELS)]
        columns, rows = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < columns <= width and 0 < rows <= height:
            top = int(key.number("crop", 0) * (height - rows + 1))
            left = int(key.number("crop", 1) * (width - columns + 1))
            return top, left, rows, columns, mirrored
    rows, columns = _largest_centred(height, width, ratio)
    return (height - rows) // 2, (width - columns) // 2, rows, columns, mirrored


def _largest_centred(height: int, width: int, ratio: Range) -> tuple[int, int]:
    """Height and width of the largest box whose ratio lies within bounds."""
    if width < ratio[0] * height:
        return max(1, min(height, round(width / ratio[0]))), width
    if width > ratio[1] * height:
        return height, max(1, min(width, round(height * ratio[1])))
    return height, width


@lru_cache(maxsize=16)
def _ratio_levels(low: float, high: float) -> tuple[float, ...]:
    """Midpoints of ``RATIO_LEVELS`` equal steps of the log ratio."""
    step = (math.log(high) - math.log(low)) / RATIO_LEVELS
    return tuple(math.exp(math.log(low) + (level + 0.5) * step) for level in range(RATIO_LEVELS))


@lru_cache(maxsize=16)
def _ratio_table(low: float, high: float) -> Tensor:
    """:func:`_ratio_levels` as ``(RATIO_LEVELS,) float64``."""
    return torch.tensor(_ratio_levels(low, high), dtype=torch.float64)
