"""The projector, called "expander" in the paper (arXiv:2105.04906, section 4.2)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from vicreg_core.errors import RecipeError

_BYTES = 16
"""Of a weight in training: itself, its gradient and two moments, in float32."""


def build_projector(input_dim: int, dims: Sequence[int]) -> nn.Sequential:
    """``(B, input_dim) -> (B, dims[-1])``: linear, batch norm and ReLU blocks, then a last linear layer.

    The last layer has no bias, as in the authors' code: every term of the loss but the invariance is blind
    to a constant shift, and the invariance of a shared projector is too.

    Args:
        input_dim: width of the representation.
        dims: output width of each layer.
    """
    layers: list[nn.Module] = []
    for dim in dims[:-1]:
        layers += [nn.Linear(input_dim, dim), nn.BatchNorm1d(dim), nn.ReLU(inplace=True)]
        input_dim = dim
    layers.append(nn.Linear(input_dim, dims[-1], bias=False))
    return nn.Sequential(*layers)


def require_room(input_dim: int, dims: Sequence[int], device: torch.device) -> None:
    """Refuse a projector that the device's memory cannot hold while it trains, before it is built.

    Raises:
        RecipeError: naming its size and the memory there is.
    """
    widths = [input_dim, *dims]
    weights = sum(a * b for a, b in pairwise(widths))
    there = _memory(device)
    if there is not None and weights * _BYTES > there:
        raise RecipeError(
            f"projector.dims is {list(dims)} over a representation of {input_dim}: {weights:,} weights, "
            f"which take {weights * _BYTES / 2**30:,.0f} GiB with gradients and optimiser, where "
            f"{device.type} has {there / 2**30:,.0f} GiB; make it narrower, e.g. projector.dims=[2048,2048]"
        )


def _memory(device: torch.device) -> int | None:
    """All memory of the device, in bytes; ``None`` where it is not known."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" in names and "SC_PAGE_SIZE" in names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None
