"""Whether two batches hold the same rows."""

from __future__ import annotations

import torch
from torch import Tensor

from vicreg_core.contracts import Batch


def parts_of(batch: Batch) -> dict[str, Tensor]:
    """The tensors of a batch by name; a bare tensor is called ``"batch"``."""
    return dict(batch) if isinstance(batch, dict) else {"batch": batch}


def rows_of(batch: Batch, rows: list[int]) -> Batch:
    """Some rows of a batch."""
    if isinstance(batch, dict):
        return {name: tensor[rows] for name, tensor in batch.items()}
    return batch[rows]


def difference(one: Batch, other: Batch, tolerance: float = 1e-4) -> str | None:
    """How two batches differ; ``None`` where they hold the same.

    Sequences may be padded to the longest of their batch: beyond their common width, tensors may hold one
    constant.

    Args:
        one: a batch.
        other: a batch.
        tolerance: for floating values, as a share of the largest, since batched kernels round differently.
    """
    left, right = parts_of(one), parts_of(other)
    if left.keys() != right.keys():
        return f"tensors {sorted(left)} against {sorted(right)}"
    for name in left:
        if reason := _difference(left[name], right[name], tolerance):
            return f"{name}: {reason}"
    return None


def _difference(one: Tensor, other: Tensor, tolerance: float) -> str | None:
    if one.dtype != other.dtype or one.ndim != other.ndim or len(one) != len(other):
        return f"{tuple(one.shape)} {one.dtype} against {tuple(other.shape)} {other.dtype}"
    common = tuple(slice(min(sizes)) for sizes in zip(one.shape, other.shape, strict=True))
    for tensor in (one, other):
        beyond = torch.ones(tensor.shape, dtype=torch.bool, device=tensor.device)
        beyond[common] = False
        if tensor[beyond].unique().numel() > 1:
            return f"{tuple(one.shape)} against {tuple(other.shape)}, and more than padding in between"
    left, right = one[common], other[common]
    if not one.is_floating_point():
        return None if torch.equal(left, right) else f"{int((left != right).sum())} values are others"
    if torch.allclose(left, right, rtol=0, atol=tolerance * _scale(left, right), equal_nan=True):
        return None
    return f"values differ by up to {float((left - right).abs().max()):.3g}"


def _scale(one: Tensor, other: Tensor) -> float:
    finite = torch.cat([one.flatten(), other.flatten()]).nan_to_num(0, 0, 0)
    return max(float(finite.abs().max()) if finite.numel() else 0.0, 1e-6)
