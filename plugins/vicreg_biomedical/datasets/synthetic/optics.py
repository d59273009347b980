"""From light to camera counts: point spread, illumination, plate effect, shot and read noise, 12 bits."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vicreg_biomedical.datasets.synthetic.config import CHANNELS, SyntheticCellsConfig
from vicreg_core.contracts.keys import Keys

BIT_DEPTH = 12
FULL_SCALE = 2800.0
"""Counts at light 1."""
DARK = 120.0
"""Counts of the camera in the dark."""
PHOTONS = 600.0
"""Photons at light 1."""
READ_NOISE = 4.0
"""Standard deviation in counts."""


@dataclass(frozen=True, slots=True)
class PlateEffects:
    """The truth about each plate; every tensor ``(plates, ...)``.

    Attributes:
        gain: ``(P, 3)`` factor a channel.
        haze: ``(P, 3)`` light added to the background.
        sigma: ``(P,)`` width of the point spread in pixels.
    """

    gain: Tensor
    haze: Tensor
    sigma: Tensor


def plate_effects(config: SyntheticCellsConfig) -> PlateEffects:
    """The effects planted by a config: a pure function of its seed, none at ``plate_effect: 0``."""
    keys = Keys.of(config.seed, 0, torch.arange(config.plates), view=1)
    strength = config.plate_effect
    channels = len(CHANNELS)
    return PlateEffects(
        gain=(0.5 * strength * keys.normal("gain", channels)).clamp(-1.2, 1.2).exp(),
        haze=0.08 * strength * keys.uniform("haze", channels),
        sigma=0.9 * (1 + 0.5 * strength * keys.uniform("focus")),
    )


def expose(light: Tensor, plates: Tensor, effects: PlateEffects, keys: Keys, slope: float = 0.1) -> Tensor:
    """Photograph images of light.

    Args:
        light: ``(B, 3, H, W) float32``.
        plates: ``(B,) int64`` plate of each image.
        effects: of every plate.
        keys: one key an image, for lighting and noise.
        slope: largest slope of the illumination field over the image.

    Returns:
        ``(B, 3, H, W) int32`` camera counts, 0 to 4095.
    """
    images = blur(light, effects.sigma[plates])
    images = images * effects.gain[plates, :, None, None] + effects.haze[plates, :, None, None]
    height, width = images.shape[-2:]
    tilt = keys.uniform("lamp", 2, low=-slope, high=slope)[:, :, None, None]
    y = torch.linspace(-1, 1, height)[None, :, None]
    x = torch.linspace(-1, 1, width)[None, None, :]
    images = images * (1 + tilt[:, 0] * y + tilt[:, 1] * x)[:, None]
    variance = images.clamp_min(0) * (FULL_SCALE**2 / PHOTONS) + READ_NOISE**2
    counts = DARK + FULL_SCALE * images + variance.sqrt() * keys.normal("camera", *images.shape[1:])
    return counts.round().clamp(0, 2**BIT_DEPTH - 1).to(torch.int32)


def blur(images: Tensor, sigma: Tensor, radius: int = 4) -> Tensor:
    """Gaussian point spread of width ``sigma`` ``(B,)`` pixels, an image at a time."""
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    taps = torch.exp(-0.5 * (offsets / sigma[:, None]) ** 2)
    taps = taps / taps.sum(1, keepdim=True)
    for axis, pad in ((2, (0, 0, radius, radius)), (3, (radius, radius, 0, 0))):
        padded = torch.nn.functional.pad(images, pad, mode="replicate")
        length = images.shape[axis]
        images = sum(
            (
                padded.narrow(axis, tap, length) * taps[:, tap, None, None, None]
                for tap in range(2 * radius + 1)
            ),
            torch.zeros_like(images),
        )
    return images
