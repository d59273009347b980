"""The projector, called "expander" in the paper (arXiv:2105.04906, section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


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
