"""Where each pixel of a view is read from: rotation, flip, zoom, shift and elastic field in one look-up.

Every coordinate is computed elementwise, never by a matrix product over the batch, so that a view is bitwise
the same whatever the batch around it. The planes of a volume are all read alike: a microscope resolves depth
less than the plane, so a volume is turned about the axis of the light only.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from vicreg_biomedical.augmentations.config import CellsConfig
from vicreg_biomedical.augmentations.shapes import beside, planes
from vicreg_core.contracts.keys import Keys

ELASTIC_NODES = 5


def log_uniform(keys: Keys, stream: str, pair: tuple[float, float], *shape: int) -> Tensor:
    """``(B, *shape) float32`` drawn log-uniformly from ``pair``: a factor and its inverse are as likely."""
    return keys.uniform(stream, *shape, low=math.log(pair[0]), high=math.log(pair[1])).exp()


def sample_view(images: Tensor, config: CellsConfig, size: tuple[int, int], keys: Keys | None) -> Tensor:
    """Read one view of each image; ``keys=None`` reads the centred, upright view.

    Args:
        images: ``(B, C, H, W) float32``, or ``(B, C, D, H, W)``.
        config: the ranges to draw from.
        size: height and width of the view.
        keys: one key a sample.

    Returns:
        ``(B, C, *size) float32``, or ``(B, C, D, *size)``; pixels beyond the border are mirrored.
    """
    view = _sample_planes(planes(images), config, size, keys).reshape(*images.shape[:-2], *size)
    if keys is None or images.ndim == 4 or not config.flip:
        return view
    turned = keys.bernoulli("flip-depth", 0.5)
    return torch.where(beside(turned, view), view.flip(2), view)


def _sample_planes(images: Tensor, config: CellsConfig, size: tuple[int, int], keys: Keys | None) -> Tensor:
    """The same of ``(B, planes, H, W)``."""
    height, width = images.shape[-2:]
    step = config.field * min(height / size[0], width / size[1])
    if step >= 2:
        images = functional.avg_pool2d(images, math.floor(step))
        height, width = images.shape[-2:]
        step = config.field * min(height / size[0], width / size[1])
    if keys is None and (height, width) == size and step == 1:
        return images
    rows = torch.arange(size[0], device=images.device, dtype=torch.float32) - (size[0] - 1) / 2
    columns = torch.arange(size[1], device=images.device, dtype=torch.float32) - (size[1] - 1) / 2
    y, x = (axis * step for axis in (rows[None, :, None], columns[None, None, :]))
    if keys is not None:
        y, x = _transform(y, x, config, (height, width), keys)
    grid = torch.stack(torch.broadcast_tensors((2 * x) / width + 0 * y, (2 * y) / height + 0 * x), dim=-1)
    grid = grid.expand(len(images), -1, -1, -1)
    return functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )


def _transform(
    y: Tensor, x: Tensor, config: CellsConfig, extent: tuple[int, int], keys: Keys
) -> tuple[Tensor, Tensor]:
    """Source coordinates about the centre, in pixels: ``(B, h, w)`` each."""
    angle = _angle(config, keys)[:, None, None]
    mirror = torch.ones_like(angle)
    if config.flip:
        mirror = 1.0 - 2.0 * keys.bernoulli("flip", 0.5)[:, None, None].to(torch.float32)
    if config.zoom is not None:
        zoom = log_uniform(keys, "zoom", config.zoom)[:, None, None]
        y, x = y / zoom, x / zoom
    x = x * mirror
    cos, sin = angle.cos(), angle.sin()
    y, x = x * sin + y * cos, x * cos - y * sin
    if config.translate:
        shift = keys.uniform("translate", 2, low=-config.translate, high=config.translate)
        y = y + shift[:, 0, None, None] * extent[0]
        x = x + shift[:, 1, None, None] * extent[1]
    if config.elastic:
        nodes = keys.normal("elastic", 2, ELASTIC_NODES, ELASTIC_NODES) * config.elastic
        field = functional.interpolate(nodes, size=y.shape[-2:], mode="bicubic", align_corners=True)
        y, x = y + field[:, 0], x + field[:, 1]
    return y, x


def _angle(config: CellsConfig, keys: Keys) -> Tensor:
    if config.rotate == "any":
        return keys.uniform("angle", high=2 * math.pi)
    if config.rotate == "right-angles":
        return keys.integers("angle", 4).to(torch.float32) * (math.pi / 2)
    return torch.zeros(len(keys), device=keys.state.device)
