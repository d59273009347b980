"""What the core does to a batch, whatever its modality: move it, reformat it."""

from __future__ import annotations

import torch

from vicreg_core.contracts import Batch


def to_device(batch: Batch, device: torch.device) -> Batch:
    """Move to ``device``; asynchronous where the batch lies in pinned memory."""
    if isinstance(batch, dict):
        return {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
    return batch.to(device, non_blocking=True)


def to_channels_last(batch: Batch) -> Batch:
    """4-D tensors in ``torch.channels_last`` memory format, others as they are."""
    if isinstance(batch, dict):
        return {name: _channels_last(tensor) for name, tensor in batch.items()}
    return _channels_last(batch)


def _channels_last(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
