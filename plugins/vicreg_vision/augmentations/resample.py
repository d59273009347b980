"""Cut, mirror and resize the crops of a batch in one separable resampling.

The filter is the antialiased one of ``torch.nn.functional.interpolate(antialias=True)`` and Pillow: a
bilinear (triangle) or bicubic (Keys, a = -1/2) kernel, widened by the scale factor where a crop is shrunk,
cut off at the crop's border and normalised. Each direction gathers whole rows of pixels, a plain copy of
memory, and the image is turned in between. No library routine sums in an order that could depend on the
batch, as a matrix product may, so a sample's view has the same bits in any batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from vicreg_vision.augmentations.boxes import Boxes

Interpolation = Literal["bilinear", "bicubic"]
RADIUS = {"bilinear": 1, "bicubic": 2}


@dataclass(frozen=True, slots=True)
class Taps:
    """What each output line is made of: ``T`` source lines and their weights.

    Attributes:
        lines: ``(T, B, S) int64``, source row or column in the raw image.
        weights: ``(T, B, S) float32``; they sum to one over ``T``.
    """

    lines: Tensor
    weights: Tensor

    def __getitem__(self, rows: slice) -> Taps:
        """The taps of some samples."""
        return Taps(self.lines[:, rows], self.weights[:, rows])

    def to(self, device: torch.device) -> Taps:
        """The same taps on another device."""
        return Taps(self.lines.to(device, non_blocking=True), self.weights.to(device, non_blocking=True))


def box_taps(
    boxes: Boxes, height: int, width: int, size: int, interpolation: Interpolation
) -> tuple[Taps, Taps]:
    """Vertical and horizontal taps that bring ``boxes`` of ``height`` x ``width`` images to ``size``."""
    upright = torch.zeros_like(boxes.flip)
    return (
        _taps(boxes.top, boxes.height, upright, height, size, interpolation),
        _taps(boxes.left, boxes.width, boxes.flip, width, size, interpolation),
    )


def resample(images: Tensor, rows: Tensor, vertical: Taps, horizontal: Taps, unit: float) -> Tensor:
    """Views of ``images[rows]`` as planes ``(C, b, S, S) float32``.

    Args:
        images: ``(B, C, H, W)`` of any real dtype.
        rows: ``(b,) int64``, the samples to make views of.
        vertical, horizontal: taps of those ``b`` samples.
        unit: what a value is multiplied by to lie in ``[0, 1]``, e.g. ``1 / 255``.
    """
    channels, height, width = images.shape[1:]
    plane = rows * channels + torch.arange(channels, device=rows.device)[:, None]
    planes = _gather_lines(images.reshape(-1, width), plane * height, vertical, unit)
    turned = _turn(planes)
    plane = torch.arange(channels * len(rows), device=rows.device).view(channels, -1)
    planes = _gather_lines(turned.view(-1, turned.shape[-1]), plane * width, horizontal, 1.0)
    return _turn(planes)


def _gather_lines(lines: Tensor, first: Tensor, taps: Taps, unit: float) -> Tensor:
    """``(C, b, S, L)``: weighted sums of rows of ``lines`` ``(N, L)``; ``first`` is each plane's row 0."""

    def term(tap: int) -> Tensor:
        index = first[:, :, None] + taps.lines[tap]
        gathered = lines.index_select(0, index.view(-1)).view(*index.shape, -1)
        return gathered.to(torch.float32).mul_(weights[tap, :, :, None])

    weights = taps.weights * unit
    total = term(0)
    for tap in range(1, len(weights)):
        total.add_(term(tap))
    return total


def _turn(planes: Tensor) -> Tensor:
    """A contiguous copy with the last two dimensions exchanged; reading in order is the faster way round."""
    first, second, rows, columns = planes.shape
    out = planes.new_empty(first, second, columns, rows)
    out.transpose(2, 3).copy_(planes)
    return out


def _taps(
    start: Tensor, length: Tensor, mirrored: Tensor, limit: int, size: int, interpolation: Interpolation
) -> Taps:
    """Taps of one direction: ``size`` output lines from ``length`` of ``limit`` source lines at ``start``.

    ``limit`` bounds the number of taps for every possible crop, so that a view does not depend on which
    other crops share its batch.
    """
    radius = RADIUS[interpolation]
    count = math.ceil(2 * radius * max(1.0, limit / size))
    step = (length.to(torch.float32) / size)[:, None]
    widening = step.clamp_min(1.0)
    line = torch.arange(size, device=start.device)
    line = torch.where(mirrored[:, None], size - 1 - line, line)
    centre = step * (line + 0.5)
    reach = radius * widening
    first = (centre - reach + 0.5).floor().clamp_min(0.0)
    last = torch.minimum((centre + reach + 0.5).floor(), length[:, None])
    kernel = _triangle if interpolation == "bilinear" else _cubic
    lines, weights = [], []
    total = torch.zeros_like(centre)
    for tap in range(count):
        position = first + tap
        weight = kernel((position - centre + 0.5) / widening).mul_(position < last)
        total = total + weight
        lines.append(torch.minimum(position.long(), length[:, None] - 1) + start[:, None])
        weights.append(weight)
    return Taps(torch.stack(lines), torch.stack(weights) / total)


def _triangle(x: Tensor) -> Tensor:
    return (1.0 - x.abs()).clamp_min(0.0)


def _cubic(x: Tensor) -> Tensor:
    """Keys' cubic convolution kernel with a = -1/2."""
    x = x.abs()
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return torch.where(x < 1.0, near, torch.where(x < 2.0, far, 0.0))
