"""Samples as people can see them, for modalities that do not say it themselves."""

from __future__ import annotations

import colorsys

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.contracts import Batch

_CLIPPED = 0.002
"""Share of the values of a batch that may fall outside the shown range at either end."""


def show_images(views: Batch) -> list[NDArray[np.uint8]] | None:
    """Pictures of ``(B, C, H, W)`` views; ``None`` for views of any other form.

    The range of values is stretched over the whole batch, so that brightness still compares between its
    pictures. One channel is gray, three are red, green and blue; of any other number each channel is
    stretched alone and adds light of a hue of its own.

    Returns:
        One ``(H, W)`` or ``(H, W, 3) uint8`` a view.
    """
    if not isinstance(views, torch.Tensor) or views.ndim != 4 or not len(views):
        return None
    values = views.detach().float().cpu().numpy()
    channels = values.shape[1]
    if channels in (1, 3):
        stretched = _stretched(values)
        shown = stretched[:, 0] if channels == 1 else np.moveaxis(stretched, 1, 3)
    else:
        alone = np.stack([_stretched(values[:, c]) for c in range(channels)], axis=3)
        hues = np.array([colorsys.hsv_to_rgb(c / channels, 1.0, 1.0) for c in range(channels)])
        shown = np.clip(alone @ hues, 0.0, 1.0)
    return list(np.rint(shown * 255).astype(np.uint8))


def _stretched(values: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = np.quantile(values, [_CLIPPED, 1 - _CLIPPED])
    unit: NDArray[np.float32] = np.clip((values - low) / max(high - low, 1e-12), 0.0, 1.0)
    return unit
