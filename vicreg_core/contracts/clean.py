"""What a decoder rebuilds of samples, for modalities of pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vicreg_core.contracts.batch import Batch

SIDE = 16
"""Most pixels a side of what is rebuilt: what is finer is not worth the capacity of a representation."""


def small_pixels(views: Batch) -> Tensor:
    """``(B, C, H, W)`` views averaged down to at most 16 x 16 pixels, as ``(B, C * h * w) float32``.

    Of volumes ``(B, C, D, H, W)`` the mean over the depth.

    Raises:
        ValueError: views of any other form.
    """
    if not isinstance(views, torch.Tensor) or views.ndim not in (4, 5):
        form = tuple(views.shape) if isinstance(views, torch.Tensor) else type(views).__name__
        raise ValueError(f"expected views (B, C, H, W), got {form}")
    flat = views.float().mean(dim=2) if views.ndim == 5 else views.float()
    height, width = (min(side, SIDE) for side in flat.shape[2:])
    return functional.adaptive_avg_pool2d(flat, (height, width)).flatten(1)
