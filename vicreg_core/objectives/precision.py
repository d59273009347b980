"""Full precision for the loss, whatever the encoder computes in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

_HALF = (torch.float16, torch.bfloat16)


def statistics_dtype(views: Sequence[Tensor]) -> torch.dtype:
    """float64 where a view is float64, else float32."""
    return torch.float64 if any(view.dtype == torch.float64 for view in views) else torch.float32


def wide_dtype(device: torch.device) -> torch.dtype:
    """The dtype for per-dimension sums: float64 where the device has it."""
    return torch.float32 if device.type == "mps" else torch.float64


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Autocast off, and matrix products in float32 proper: no TensorFloat-32, no bfloat16 passes."""
    with torch.autocast(device.type, enabled=False), _exact_matmul():
        yield


@contextmanager
def _exact_matmul() -> Iterator[None]:
    settings = _matmul_settings()
    if not settings:
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("highest")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)
        return
    found = [setting.fp32_precision for setting in settings]
    for setting in settings:
        setting.fp32_precision = "ieee"
    try:
        yield
    finally:
        for setting, precision in zip(settings, found, strict=True):
            setting.fp32_precision = precision


def _matmul_settings() -> list[Any]:
    """Each backend's setting of matmul precision; none before torch 2.9, which has a global one only."""
    backends: list[Any] = [torch.backends.cuda, torch.backends.mkldnn]
    settings = [getattr(backend, "matmul", None) for backend in backends]
    return [setting for setting in settings if hasattr(setting, "fp32_precision")]


def to_dtype(gradient: Tensor, dtype: torch.dtype) -> Tensor:
    """A gradient in the dtype of its input; what float16 or bfloat16 cannot hold saturates.

    An infinite gradient would turn into NaN in the next layer's weights; the largest finite one keeps its
    direction, and a gradient scaler still sees the overflow it causes there. NaN stays NaN.
    """
    if dtype in _HALF:
        largest = torch.finfo(dtype).max
        gradient = gradient.clamp_(-largest, largest)
    return gradient.to(dtype)
