"""Colour jitter and grayscale: the draws, and the pixels, on planes ``(C, n, S, S)`` in ``[0, 1]``.

The operations are those of torchvision's functional module on float images. They are written without
comparisons and selections per pixel, which cost ten times an addition on a CPU, and without fused
multiply-adds, whose rounding may differ between the body and the tail of a vectorised loop: a pixel's
result does not depend on its place in the batch.

Brightness, contrast and saturation are one form, ``x <- clamp(gain * x + pull)``, where the pull is 0, a
share of the image's mean gray, or a share of each pixel's gray. So each of them may come at another place
in each sample's order while all samples of a batch are worked on at once. Only hue is unlike them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from vicreg_core.contracts.keys import Keys
from vicreg_vision.augmentations.presets import ViewSettings

RGB_TO_GRAY = (0.2989, 0.587, 0.114)
_TINY = 1e-20


@dataclass(frozen=True, slots=True)
class Jitter:
    """The colour jitter of a batch: ``R`` rounds of the linear operations, and a hue turn in between.

    Attributes:
        gain: ``(B, R) float32``, factor of the pixel in each round; 1 where a sample is not jittered.
        to_mean: ``(B, R) float32``, factor of the image's mean gray.
        to_gray: ``(B, R) float32``, factor of the pixel's gray.
        hue: ``(B,) float32``, turn of the hue, in turns.
        hue_round: ``(B,) int64``, the round before which the hue is turned; ``R``: after the last;
            ``R + 1``: the sample is not jittered at all.
    """

    gain: Tensor
    to_mean: Tensor
    to_gray: Tensor
    hue: Tensor
    hue_round: Tensor

    @property
    def rounds(self) -> int:
        """Number of linear rounds."""
        return self.gain.shape[1]

    def __getitem__(self, rows: slice | Tensor) -> Jitter:
        """The jitter of some samples."""
        return Jitter(*(getattr(self, field.name)[rows] for field in fields(self)))

    def to(self, device: torch.device) -> Jitter:
        """The same jitter on another device."""
        return Jitter(*(getattr(self, field.name).to(device, non_blocking=True) for field in fields(self)))


def draw_jitter(keys: Keys, settings: ViewSettings) -> Jitter:
    """Draw which samples are jittered, by how much, and in which order of operations.

    Factors are uniform on ``[max(0, 1 - a), 1 + a]``, the hue on ``[-hue, hue]``, the order is a uniform
    permutation, as in torchvision's ``ColorJitter``.
    """
    draws = keys.uniform("jitter", 9)
    strengths = torch.tensor([settings.brightness, settings.contrast, settings.saturation])
    low = (1.0 - strengths).clamp_min(0.0)
    factors = low + draws[:, :3] * (1.0 + strengths - low)
    hue = (draws[:, 3] * 2.0 - 1.0) * settings.hue
    order = draws[:, 4:8].argsort(dim=1, stable=True)
    hue_round = (order == 3).to(torch.uint8).argmax(dim=1)
    # Leave the hue (3) out of each row of the order: what follows it moves up one place.
    place = torch.arange(3, device=order.device)
    operation = order.gather(1, place + (place >= hue_round[:, None]).long())
    jittered = draws[:, 8] < settings.jitter_probability
    gain = torch.where(jittered[:, None], factors.gather(1, operation), 1.0)
    return Jitter(
        gain=gain,
        to_mean=(1.0 - gain) * (operation == 1),
        to_gray=(1.0 - gain) * (operation == 2),
        hue=hue,
        hue_round=torch.where(jittered, hue_round, 4),
    )


def jitter_linear(planes: Tensor, gain: Tensor, to_mean: Tensor, to_gray: Tensor) -> None:
    """One round of brightness, contrast or saturation, in place; the factors are ``(n,)``.

    Images that are not RGB have no gray: their contrast is about each channel's own mean.
    """
    if planes.shape[0] != 3:
        mean = _mean(planes) * to_mean
        planes.mul_(_per_image(gain)).add_(_per_image(mean)).clamp_(0.0, 1.0)
        return
    gray = rgb_to_gray(planes)
    mean = _mean(gray) * to_mean
    pull = gray.mul_(_per_image(to_gray)).add_(_per_image(mean))
    planes.mul_(_per_image(gain)).add_(pull).clamp_(0.0, 1.0)


def turn_hue(planes: Tensor, turns: Tensor) -> None:
    """Turn the hue of RGB planes ``(3, n, S, S)`` in place by ``(n,)`` turns, value and saturation kept.

    With V the largest, v the smallest of a pixel's values and d = V - v, the distance of its hue from red
    in sixths of a turn is ``(d + (G - v) + (B - v) - (R - v)) / d``, on the side of green where G >= B. Each
    turned channel is V less d times a trapezoid of the new hue (Smith, "Color gamut transform pairs", 1978).
    """
    red, green, blue = planes
    largest = torch.maximum(red, green).clamp_min_(blue)
    smallest = torch.minimum(red, green).clamp_max_(blue)
    spread = largest - smallest
    from_red = (green + blue).sub_(red).sub_(smallest).add_(spread).div_(spread.clamp_min(_TINY))
    # 3 - from_red on green's side of the colour circle, from_red - 3 on blue's, counted from cyan.
    hue = (3.0 - from_red).copysign_(green - blue).neg_().add_(_per_image(3.0 + 6.0 * turns))
    hue.sub_((hue * (1.0 / 6.0)).floor_().mul_(6.0))
    _write_channel(red, largest, spread, (hue - 3.0).abs_().neg_().add_(2.0))
    _write_channel(green, largest, spread, (hue - 2.0).abs_().sub_(1.0))
    _write_channel(blue, largest, spread, (hue - 4.0).abs_().sub_(1.0))


def rgb_to_gray(planes: Tensor) -> Tensor:
    """``(n, S, S)`` luma of RGB planes ``(3, n, S, S)`` (ITU-R 601, torchvision's coefficients)."""
    gray = planes[0] * RGB_TO_GRAY[0]
    gray.add_(planes[1] * RGB_TO_GRAY[1])
    return gray.add_(planes[2] * RGB_TO_GRAY[2])


def to_grayscale(planes: Tensor) -> Tensor:
    """RGB planes with each channel replaced by the gray of its pixel."""
    return rgb_to_gray(planes).expand_as(planes)


def _write_channel(out: Tensor, largest: Tensor, spread: Tensor, trapezoid: Tensor) -> None:
    torch.sub(largest, trapezoid.clamp_(0.0, 1.0).mul_(spread), out=out)


def _mean(planes: Tensor) -> Tensor:
    """Mean over the last two dimensions, row sums first.

    One sum over both would be split over threads for a single large image, and over samples otherwise.
    """
    rows, columns = planes.shape[-2:]
    return planes.sum(-1).sum(-1) / (rows * columns)


def _per_image(values: Tensor) -> Tensor:
    return values[..., None, None]
