"""Draw fluorescence cells: a lobed nucleus with chromatin, a cytoplasm, and bright organelles in it.

Everything is drawn for a whole batch at once from keyed randomness, so a cell is the same whatever is drawn
with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vicreg_core.contracts.keys import Keys

NATURAL_SIZE = 40
"""Side in pixels of the crop that the lengths below are meant for; other sizes scale them."""

_NUCLEUS_SCALE = torch.tensor([1.0, 1.3, 0.85, 0.7])
_NUCLEUS_BRIGHTNESS = torch.tensor([0.55, 0.6, 0.55, 0.8])
_LOBES = torch.tensor([0.04, 0.12, 0.05, 0.06])
_CHROMATIN = torch.tensor([0.15, 0.45, 0.15, 0.1])
_FRAGMENTS = torch.tensor([0.0, 0.0, 0.8, 0.0])
"""One value a phenotype, in the order of :data:`~vicreg_biomedical.datasets.synthetic.config.PHENOTYPES`."""


@dataclass(frozen=True, slots=True)
class DrawnCells:
    """Cells before optics and camera.

    Attributes:
        light: ``(B, 3, S, S) float32``, DNA, cytoplasm and texture, 0 in the background and about 1 at most.
        nucleus: ``(B, S, S) bool``, the true nuclear mask.
    """

    light: Tensor
    nucleus: Tensor


def draw_cells(phenotypes: Tensor, size: int, keys: Keys) -> DrawnCells:
    """Draw one cell a key.

    Args:
        phenotypes: ``(B,) int64`` index of each cell's phenotype.
        size: side ``S`` of a crop in pixels.
        keys: one key a cell.
    """
    unit = size / NATURAL_SIZE
    centre = keys.uniform("centre", 2, low=-2.0, high=2.0) * unit
    y, x = _axes(size, centre)
    distance, angle = (y * y + x * x).sqrt(), torch.atan2(y, x)
    radius = keys.uniform("nucleus", low=5.2, high=6.8) * _NUCLEUS_SCALE[phenotypes] * unit
    nucleus = _soft_disc(
        distance, _outline(radius, _LOBES[phenotypes], angle, keys, "nucleus-lobes"), 0.6 * unit
    )
    body_radius = keys.uniform("body", low=12.0, high=15.0) * unit
    body = _soft_disc(
        distance, _outline(body_radius, torch.full_like(radius, 0.08), angle, keys, "body-lobes"), unit
    )
    chromatin = _spots(keys, "chromatin", 8, (y, x), radius * 0.8, 1.3 * unit)
    organelles = _spots(keys, "organelles", 16, (y, x), body_radius * 0.85, 1.0 * unit)
    fragments = _spots(keys, "fragments", 4, (y, x), body_radius * 0.8, 1.4 * unit).clamp(max=1.0)

    brightness = keys.uniform("brightness", 3, low=0.85, high=1.15)[:, :, None, None]
    dna = nucleus * (1 + _CHROMATIN[phenotypes, None, None] * (chromatin - 0.7))
    dna = dna * _NUCLEUS_BRIGHTNESS[phenotypes, None, None]
    dna = dna + _FRAGMENTS[phenotypes, None, None] * fragments * body * (1 - nucleus) * 0.5
    cytoplasm = 0.45 * body * (1 - 0.5 * nucleus)
    texture = body * (0.1 + 0.6 * organelles * (1 - 0.8 * nucleus))
    light = torch.stack([dna, cytoplasm, texture], dim=1) * brightness
    return DrawnCells(light, nucleus > 0.5)


def _axes(size: int, centre: Tensor) -> tuple[Tensor, Tensor]:
    """``(B, S, 1)`` and ``(B, 1, S)``: coordinates about each cell's centre, in pixels."""
    axis = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    return axis[None, :, None] - centre[:, 0, None, None], axis[None, None, :] - centre[:, 1, None, None]


def _outline(radius: Tensor, lobes: Tensor, angle: Tensor, keys: Keys, stream: str) -> Tensor:
    """``(B, S, S)``: the radius in the direction of each pixel, a circle with harmonics 2 to 4."""
    phase = keys.uniform(f"{stream}-phase", 3, high=2 * math.pi)
    weight = keys.normal(stream, 3) * lobes[:, None]
    wave = torch.ones_like(angle)
    for i, harmonic in enumerate((2, 3, 4)):
        wave = wave + weight[:, i, None, None] * torch.cos(harmonic * angle + phase[:, i, None, None])
    return radius[:, None, None] * wave.clamp_min(0.3)


def _soft_disc(distance: Tensor, outline: Tensor, softness: float) -> Tensor:
    return torch.sigmoid((outline - distance) / softness)


def _spots(
    keys: Keys, stream: str, count: int, axes: tuple[Tensor, Tensor], reach: Tensor, sigma: float
) -> Tensor:
    """``(B, S, S)``: ``count`` Gaussian spots spread evenly over a disc of radius ``reach``."""
    distance = keys.uniform(f"{stream}-distance", count).sqrt() * reach[:, None]
    angle = keys.uniform(f"{stream}-angle", count, high=2 * math.pi)
    y, x = axes
    total = torch.zeros(y.shape[0], y.shape[1], x.shape[2])
    for spot in range(count):
        dy = y - (distance * angle.sin())[:, spot, None, None]
        dx = x - (distance * angle.cos())[:, spot, None, None]
        total = total + torch.exp(-0.5 / sigma**2 * dy * dy) * torch.exp(-0.5 / sigma**2 * dx * dx)
    return total
