"""What a set of vectors says about collapse: the spread of each dimension and the effective rank."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

STD_EDGES = tuple(2 ** (half / 2) for half in range(-14, 5))
"""Edges between the bins of :func:`std_histogram`: 1/128 to 4, two bins an octave."""


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


def std_histogram(vectors: Tensor) -> list[int]:
    """How many dimensions of ``(N, D)`` vectors, ``N >= 2``, have a standard deviation in each bin.

    Returns:
        ``len(STD_EDGES) + 1`` counts that add up to ``D``: below the first edge, between the edges, and from
        the last edge on.
    """
    std = vectors.float().std(dim=0)
    edges = torch.tensor(STD_EDGES, device=std.device)
    bins = torch.bucketize(std, edges, right=True)
    counts: list[int] = torch.bincount(bins, minlength=len(STD_EDGES) + 1).tolist()
    return counts
