"""Graded corruptions of images on planes ``(C, n, S, S)`` in ``[0, 1]``, at the resolution of the view.

The kinds are those of Hendrycks and Dietterich, arXiv:1903.12261. Lengths are shares of the view's side, so
that a severity means much the same on 32 and on 224 pixels; their benchmark has two tables of its own, and
its figures are not comparable with those made here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vicreg_core.contracts.keys import Keys
from vicreg_core.contracts.severity import strength
from vicreg_vision.augmentations.blur import gaussian_blur, half_kernels

Operation: TypeAlias = Callable[[Tensor, float, Keys], Tensor]

SUMMARIES: Mapping[str, str] = MappingProxyType(
    {
        "noise": "Gaussian noise on every value",
        "impulse-noise": "values replaced by black or white",
        "blur": "Gaussian blur, as out of focus",
        "motion-blur": "blur along a line, horizontal, vertical or diagonal",
        "pixelation": "fewer, larger pixels",
        "contrast": "values drawn towards the image's mean",
        "brightness": "values raised, the brightest cut off",
    }
)

STRENGTHS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "noise": (0.04, 0.06, 0.09, 0.13, 0.18),  # standard deviation
        "impulse-noise": (0.01, 0.02, 0.04, 0.08, 0.15),  # share of the values
        "blur": (0.01, 0.015, 0.02, 0.03, 0.04),  # standard deviation, of the side
        "motion-blur": (0.04, 0.07, 0.1, 0.14, 0.18),  # length, of the side
        "pixelation": (0.8, 0.6, 0.45, 0.33, 0.25),  # pixels left along a side
        "contrast": (0.7, 0.5, 0.35, 0.25, 0.15),  # factor
        "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),  # added
    }
)


def corrupt_planes(planes: Tensor, name: str, severity: int, keys: Keys) -> Tensor:
    """Corrupt each image of ``(C, n, S, S)`` planes by its own key; the planes given may be overwritten.

    Raises:
        ValueError: no such corruption or severity.
    """
    amount = strength(STRENGTHS, name, severity)
    return _OPERATIONS[name](planes, amount, keys).clamp_(0.0, 1.0)


def _noise(planes: Tensor, deviation: float, keys: Keys) -> Tensor:
    return planes.add_(_drawn(keys.normal("noise", *_image(planes))), alpha=deviation)


def _impulse_noise(planes: Tensor, share: float, keys: Keys) -> Tensor:
    draws = _drawn(keys.uniform("impulse-noise", *_image(planes)))
    return planes.masked_fill_(draws < share / 2, 0.0).masked_fill_(draws >= 1 - share / 2, 1.0)


def _blur(planes: Tensor, share: float, keys: Keys) -> Tensor:
    side = min(planes.shape[-2:])
    sigma = share * side
    radius = min(max(1, round(3 * sigma)), side - 1)
    kernel = half_kernels((sigma,), 2 * radius + 1).to(planes.device)
    return gaussian_blur(planes, kernel.expand(planes.shape[1], -1))


def _motion_blur(planes: Tensor, share: float, keys: Keys) -> Tensor:
    half = share * planes.shape[-1] / 2
    radius = min(int(half + 0.5), planes.shape[-1] - 1)
    # A tap covers the part of its pixel that the line reaches: whole but at the ends.
    taps = [max(0.0, min(half, k + 0.5) - max(-half, k - 0.5)) for k in range(-radius, radius + 1)]
    direction = keys.integers("motion-blur", len(_DIRECTIONS))
    for index, (down, right) in enumerate(_DIRECTIONS):
        chosen = (direction == index).nonzero()[:, 0]
        if len(chosen):
            planes.index_copy_(1, chosen, _along(planes.index_select(1, chosen), taps, down, right))
    return planes


_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


def _along(planes: Tensor, taps: list[float], down: int, right: int) -> Tensor:
    """The sum of copies shifted along a line, weighted by the taps over their sum; borders are reflected."""
    radius, (height, width) = len(taps) // 2, planes.shape[-2:]
    padded = F.pad(planes, (radius, radius, radius, radius), mode="reflect")
    total = torch.zeros_like(planes)
    for offset, weight in enumerate(taps, -radius):
        top, left = radius + down * offset, radius + right * offset
        total.add_(padded[..., top : top + height, left : left + width], alpha=weight / sum(taps))
    return total


def _pixelate(planes: Tensor, share: float, keys: Keys) -> Tensor:
    height, width = planes.shape[-2:]
    small = F.interpolate(planes, (max(1, round(height * share)), max(1, round(width * share))), mode="area")
    # Where the sides do not divide, the large pixels blend at their borders instead of varying in size.
    return F.interpolate(small, (height, width), mode="area")


def _contrast(planes: Tensor, factor: float, keys: Keys) -> Tensor:
    mean = planes.mean(dim=(2, 3), keepdim=True).mean(dim=0, keepdim=True)
    return planes.mul_(factor).add_(mean, alpha=1 - factor)


def _brightness(planes: Tensor, added: float, keys: Keys) -> Tensor:
    return planes.add_(added)


def _image(planes: Tensor) -> tuple[int, ...]:
    return planes.shape[0], *planes.shape[2:]


def _drawn(draws: Tensor) -> Tensor:
    """Draws ``(n, C, S, S)`` of each image as planes."""
    return draws.transpose(0, 1)


_OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "noise": _noise,
        "impulse-noise": _impulse_noise,
        "blur": _blur,
        "motion-blur": _motion_blur,
        "pixelation": _pixelate,
        "contrast": _contrast,
        "brightness": _brightness,
    }
)
