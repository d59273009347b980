"""Crops ``(B, C, H, W)`` and volumes ``(B, C, D, H, W)`` through the same code."""

from __future__ import annotations

from torch import Tensor


def beside(values: Tensor, images: Tensor) -> Tensor:
    """Values a sample ``(B,)`` or a channel ``(B, C)`` with axes of length 1 for what else images have."""
    return values.reshape(*values.shape, *[1] * (images.ndim - values.ndim))


def planes(images: Tensor) -> Tensor:
    """All planes of all channels of a sample in one row: ``(B, C, H, W)``, or ``(B, C * D, H, W)``."""
    return images.flatten(1, -3)
