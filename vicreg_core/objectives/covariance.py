"""The covariance term of one view and what its gradient needs, in whichever form is smaller.

With ``C = Z'Z / (N - 1)`` for centred ``Z`` of shape ``(N, D)``, the term of arXiv:2105.04906, Eq. 3-4, is
``c = (1/D) sum_{j != k} C_jk^2``.

*Gram form*, ``N <= D``: ``Z'Z`` and ``ZZ'`` have the same Frobenius norm, so
``c = ||ZZ'||^2 / (D (N - 1)^2) - sum_j C_jj^2 / D``, from ``N x N`` numbers and ``N^2 D`` operations.

*Covariance form*, ``N > D``: ``C`` with its diagonal zeroed before squaring. Subtracting the diagonal
afterwards would cancel here, where the off-diagonal part may be arbitrarily smaller than the diagonal; for
``N <= D`` the rank of ``C`` forbids that.

Both are scaled by ``1 / ((N - 1) sqrt(D))``, so that squares overflow only where ``c`` itself would.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from vicreg_core.objectives.global_batch import GlobalBatch


class CovarianceTerm(NamedTuple):
    """The term of one view; ``dc/dZ = covariance_slope * (left @ right - Z * diagonal)`` for own rows."""

    value: Tensor
    """``()``, the term over the global batch."""
    left: Tensor
    """``(n, M)``"""
    right: Tensor
    """``(M, D)`` with ``M = min(N, D)``, or ``N = D``."""
    diagonal: Tensor
    """``(D,)``"""


def covariance_slope(n_rows: int, dims: int) -> float:
    """The factor of :class:`CovarianceTerm`'s gradient."""
    return 4.0 * _scale(n_rows, dims)


def covariance_term(rows: Tensor, variance: Tensor, batch: GlobalBatch) -> CovarianceTerm:
    """The covariance term of one view.

    The work is shared among the processes: in the Gram form each computes the block row of its own samples
    against the gathered ones, in the covariance form its own samples' part of the sum.

    Args:
        rows: ``(n, D)``, this process's centred rows.
        variance: ``(D,)``, unbiased variance of each dimension over the global batch.
        batch: the global batch.
    """
    dims = rows.shape[1]
    scale = _scale(batch.rows, dims)
    if batch.rows > dims:
        covariance = _scaled_product(rows.T, rows, scale)
        covariance.fill_diagonal_(0)
        batch.sum(covariance)
        return CovarianceTerm(covariance.square().sum(), rows, covariance, torch.zeros_like(variance))
    everyone = batch.gather(rows)
    gram = _scaled_product(rows, everyone.T, scale)
    diagonal = variance / math.sqrt(dims)
    total = batch.sum(gram.square().sum())
    value = (total - diagonal.square().sum()).clamp(min=0)
    return CovarianceTerm(value, gram, everyone, diagonal)


def scaled_factors(left: Tensor, right: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Two factors of a product with the smaller one scaled."""
    return (left * scale, right) if left.numel() < right.numel() else (left, right * scale)


def covariance_floor(n_rows: int, dims: int, std: float = 1.0) -> float:
    """The least covariance term of one view whose every dimension has standard deviation ``std``.

    ``C`` has rank ``N - 1`` at most, so with ``C_jj = std^2`` the term is at least
    ``std^4 (D / (N - 1) - 1)``: 31.1 for ``N = 256``, ``D = 8192``.
    """
    return std**4 * max(0.0, dims / (n_rows - 1) - 1.0)


def _scale(n_rows: int, dims: int) -> float:
    return 1.0 / ((n_rows - 1) * math.sqrt(dims))


def _scaled_product(left: Tensor, right: Tensor, scale: float) -> Tensor:
    out = left.new_empty(left.shape[0], right.shape[1])
    return torch.addmm(out, left, right, beta=0, alpha=scale, out=out)
