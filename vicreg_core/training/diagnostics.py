"""What a set of vectors says about collapse: the spread of each dimension and the effective rank."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class SpaceDiagnostics(NamedTuple):
    """Diagnostics of one space (representation or embedding) over ``rows`` vectors."""

    rows: int
    std_min: float
    """Smallest standard deviation of a dimension."""
    std_median: float
    """Median standard deviation of the dimensions."""
    effective_rank: float
    """See :func:`effective_rank`; at most ``min(rows - 1, D)``."""


def effective_rank(vectors: Tensor) -> float:
    """exp of the entropy of the normalised singular values of the centred vectors.

    Roy and Vetterli, "The effective rank" (EUSIPCO 2007); RankMe (arXiv:2210.02885) without its centring
    convention. 1 when all vectors lie on a line, ``D`` when every direction has the same spread, 0 when
    all vectors are equal.

    Args:
        vectors: ``(N, D)`` floating, ``N >= 2``.
    """
    doubles = vectors.double()
    return exp_entropy(squared_singular_values(doubles - doubles.mean(dim=0)).sqrt())


def squared_singular_values(matrix: Tensor) -> Tensor:
    """``(min(N, D),)`` squared singular values, smallest first, from the smaller Gram matrix."""
    rows, dims = matrix.shape
    gram = matrix @ matrix.T if rows <= dims else matrix.T @ matrix
    values: Tensor = torch.linalg.eigvalsh(gram).clamp_min(0)
    return values


def exp_entropy(values: Tensor, epsilon: float = 0.0) -> float:
    """exp of the entropy of values that are made to sum to 1, each plus ``epsilon``; 0 where all are 0."""
    total = values.sum()
    if not total > 0:
        return 0.0
    return float(torch.special.entr(values / total + epsilon).sum().exp())


def diagnose(vectors: Tensor) -> SpaceDiagnostics:
    """Diagnostics of ``(N, D)`` vectors, ``N >= 2``, computed on their device."""
    std = vectors.float().std(dim=0)
    return SpaceDiagnostics(vectors.shape[0], float(std.min()), float(std.median()), effective_rank(vectors))
