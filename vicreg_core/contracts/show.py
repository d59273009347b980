"""Samples as people can see them, for modalities that do not say it themselves."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.contracts.batch import Batch

_CLIPPED = 0.002
"""Share of the values of a batch that may fall outside the shown range at either end."""


_LIGHTS = np.array(
    [[86, 180, 233], [230, 159, 0], [0, 158, 115], [204, 121, 167], [240, 228, 66], [213, 94, 0]],
    dtype=np.float32,
)
"""``(6, 3)`` of 255: what a channel adds where channels are not red, green and blue. The colours of Okabe and
Ito, which the colour-blind tell apart."""


def show_images(views: Batch, *, rgb: bool = True) -> list[NDArray[np.uint8]] | None:
    """Pictures of ``(B, C, H, W)`` views; ``None`` for views of any other form.

    The range of values is stretched over the whole batch, so that brightness still compares between its
    pictures. One channel is gray, three are red, green and blue; of any other number each channel is
    stretched alone and adds light of a colour of its own.

    Args:
        views: what an augmentation made.
        rgb: three channels are red, green and blue; ``False``: they are channels like any others.

    Returns:
        One ``(H, W)`` or ``(H, W, 3) uint8`` a view.
    """
    if not isinstance(views, torch.Tensor) or views.ndim != 4 or not len(views):
        return None
    values = views.detach().float().cpu().numpy()
    channels = values.shape[1]
    if channels == 1 or (channels == 3 and rgb):
        stretched = _stretched(values)
        shown = stretched[:, 0] if channels == 1 else np.moveaxis(stretched, 1, 3)
    else:
        alone = np.stack([_stretched(values[:, c]) for c in range(channels)], axis=3)
        lights = _LIGHTS[np.arange(channels) % len(_LIGHTS)] / 255
        shown = np.clip(alone @ lights, 0.0, 1.0)
    return list(np.rint(shown * 255).astype(np.uint8))


def _stretched(values: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = np.quantile(values, [_CLIPPED, 1 - _CLIPPED])
    unit: NDArray[np.float32] = np.clip((values - low) / max(high - low, 1e-12), 0.0, 1.0)
    return unit
