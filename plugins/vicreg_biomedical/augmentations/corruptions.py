"""Graded damage by microscope and camera to crops ``(B, C, H, W)`` and volumes ``(B, C, D, H, W)``.

All on the unit scale. Like the random views, values are not clipped: that scale spans most of the training
set's range, and a camera reaches beyond it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import torch
from torch import Tensor

from vicreg_biomedical.augmentations.intensity import gaussian_blur, shot_and_read_noise, tilted_light
from vicreg_biomedical.augmentations.shapes import beside
from vicreg_core.contracts.keys import Keys
from vicreg_core.contracts.severity import strength

Operation: TypeAlias = Callable[[Tensor, float, Keys], Tensor]

SUMMARIES: Mapping[str, str] = MappingProxyType(
    {
        "photon-noise": "shot noise of fewer and fewer photons",
        "read-noise": "the camera's own noise, which does not depend on the light",
        "defocus": "Gaussian blur of all channels",
        "illumination": "light that rises across the crop, in any direction",
        "gain": "each channel brighter or darker by a factor",
        "background": "stray light added to every channel",
    }
)

STRENGTHS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "photon-noise": (200.0, 100.0, 50.0, 25.0, 12.0),  # photons at 1 on the unit scale
        "read-noise": (0.02, 0.04, 0.07, 0.11, 0.16),  # standard deviation
        "defocus": (0.5, 1.0, 1.5, 2.0, 3.0),  # standard deviation, pixels of the view
        "illumination": (0.1, 0.2, 0.35, 0.5, 0.7),  # change from the centre to the border
        "gain": (1.15, 1.35, 1.6, 2.0, 3.0),  # factor
        "background": (0.05, 0.1, 0.2, 0.3, 0.4),  # added
    }
)


def corrupt_crops(images: Tensor, name: str, severity: int, keys: Keys) -> Tensor:
    """Corrupt each crop by its own key.

    Raises:
        ValueError: no such corruption or severity.
    """
    amount = strength(STRENGTHS, name, severity)
    return _OPERATIONS[name](images, amount, keys)


def _photon_noise(images: Tensor, photons: float, keys: Keys) -> Tensor:
    return shot_and_read_noise(images, images.clamp_min(0) / photons, keys)


def _read_noise(images: Tensor, deviation: float, keys: Keys) -> Tensor:
    return shot_and_read_noise(images, torch.full_like(images, deviation**2), keys)


def _defocus(images: Tensor, sigma: float, keys: Keys) -> Tensor:
    return gaussian_blur(images, torch.full((len(images),), sigma, device=images.device), sigma)


def _illumination(images: Tensor, slope: float, keys: Keys) -> Tensor:
    angle = keys.uniform("illumination", high=2 * torch.pi)
    return images * tilted_light(images, slope * torch.stack([angle.sin(), angle.cos()], dim=1))


def _gain(images: Tensor, factor: float, keys: Keys) -> Tensor:
    brighter = beside(keys.bernoulli("gain", 0.5, images.shape[1]), images)
    return images * torch.where(brighter, factor, 1 / factor)


def _background(images: Tensor, added: float, keys: Keys) -> Tensor:
    return images + added


_OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "photon-noise": _photon_noise,
        "read-noise": _read_noise,
        "defocus": _defocus,
        "illumination": _illumination,
        "gain": _gain,
        "background": _background,
    }
)
