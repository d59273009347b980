"""Parameter groups: biases and norm parameters are neither decayed nor adapted."""

from __future__ import annotations

from typing import Any

from torch import nn


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups in the order of ``module.parameters()``: matrices and filters, then vectors and scalars.

    Parameters with ``ndim <= 1`` (biases, the scale and shift of norm layers) get ``weight_decay: 0`` and,
    for LARS, ``adapt: False``. Frozen parameters are left out.
    """
    trained = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay, "adapt": True},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0, "adapt": False},
    ]
    return [group for group in groups if group["params"]]
