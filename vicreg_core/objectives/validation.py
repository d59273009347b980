"""Checks of what a caller hands to a loss; each error says what was given and what was expected."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real

import torch
from torch import Tensor


def checked_number(name: str, value: float, *, positive: bool = False) -> float:
    """``value`` as a float.

    Raises:
        TypeError: not a real number.
        ValueError: not finite, negative, or zero where it must be positive.
    """
    expected = "a finite number above 0" if positive else "a finite number of at least 0"
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name}: expected {expected}, got {value!r}")
    if not math.isfinite(value) or value < 0 or (positive and value == 0):
        raise ValueError(f"{name}: expected {expected}, got {value!r}")
    return float(value)


def checked_width(name: str, value: int) -> int:
    """``value``.

    Raises:
        ValueError: below 1.
    """
    if value < 1:
        raise ValueError(f"{name}: expected a width of at least 1, got {value}")
    return value


def as_views(embeddings: Sequence[Tensor | Sequence[Tensor]]) -> list[Tensor]:
    """The views of ``loss(z_a, z_b, ...)`` or ``loss([z_a, z_b, ...])``, checked.

    Raises:
        TypeError: a view is not a floating tensor.
        ValueError: fewer than two views, or views of unlike shape or device, or fewer than two dimensions.
    """
    given: Sequence[object] = embeddings
    if len(embeddings) == 1 and isinstance(embeddings[0], Sequence):
        given = embeddings[0]
    views = [_checked_view(i, view) for i, view in enumerate(given)]
    if len(views) < 2:
        raise ValueError(f"expected the embeddings of two views or more, got {len(views)}")
    if len({(view.shape, view.device) for view in views}) > 1:
        described = ", ".join(_described(view) for view in views)
        raise ValueError(f"expected views of one shape on one device, got {described}")
    return views


def flattened(views: Sequence[Tensor]) -> list[Tensor]:
    """``(N, ..., D) -> (N * ..., D)``: equal rows stay the same location of the same sample in every view."""
    return [view if view.ndim == 2 else view.reshape(-1, view.shape[-1]) for view in views]


def _described(view: Tensor) -> str:
    dtype = str(view.dtype).removeprefix("torch.")
    device = "" if view.device == torch.device("cpu") else f" on {view.device}"
    return f"{tuple(view.shape)} {dtype}{device}"


def _checked_view(i: int, view: object) -> Tensor:
    if not isinstance(view, Tensor):
        raise TypeError(f"view {i}: expected a floating tensor (N, D), got {type(view).__name__}")
    if not view.is_floating_point():
        raise TypeError(f"view {i}: expected a floating tensor (N, D), got {_described(view)}")
    if view.ndim < 2 or 0 in view.shape[1:]:
        raise ValueError(f"view {i}: expected a shape (N, D) or (N, ..., D), got {_described(view)}")
    return view
