"""Label propagation: what few samples say of their neighbours, and these of theirs.

D. Zhou et al., "Learning with local and global consistency", NeurIPS 2003: labels spread over a graph of
neighbours until they no longer change, ``F = a S F + (1 - a) Y``. Here every class starts with the same mass,
so that ``F`` is like a density of each class, and says what to think if all were equally common.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vicreg_core.classifiers.neighbours import nearest
from vicreg_core.classifiers.pool import Pool, at_unit_length

ALPHA = 0.9
"""Share of a sample's neighbours in what is said of it; the rest is its own label."""

_STEPS = 60
_STILL = 1e-3
_FEWEST, _MOST = 10, 100


def neighbours_for(samples: int, classes: int) -> int:
    """How many neighbours a sample has: a tenth of a class, between 10 and 100.

    >>> neighbours_for(6_000, 4), neighbours_for(10_000, 77), neighbours_for(60, 3)
    (100, 12, 10)
    """
    wanted = int(np.clip(samples // (10 * max(classes, 1)), _FEWEST, _MOST))
    return min(wanted, samples - 1)


@dataclass(frozen=True)
class Graph:
    """Samples joined to their nearest neighbours.

    Attributes:
        spread: ``(n, n)`` sparse, symmetric: ``D^-1/2 W D^-1/2`` of the cosines ``W`` above 0.
        neighbours: ``k``.
    """

    spread: Any
    neighbours: int

    @classmethod
    def of(cls, pool: Pool) -> Graph:
        """The graph of a pool's samples, exact."""
        from scipy import sparse  # type: ignore[import-untyped]

        unit = pool.unit.cpu().numpy()
        k, n = neighbours_for(len(unit), pool.classes), len(unit)
        found = nearest(unit, unit, k + 1, device=pool.device)
        column, weight = found.row.numpy(), found.similarity.numpy().clip(min=0)
        row = np.repeat(np.arange(n), k + 1).reshape(n, k + 1)
        # Itself is mostly the nearest, but among equal samples another may come first.
        weight = np.where(column == row, 0.0, weight)
        joined = sparse.csr_matrix((weight.ravel(), (row.ravel(), column.ravel())), shape=(n, n))
        joined = joined.maximum(joined.T)
        scale = sparse.diags(1.0 / np.sqrt(np.maximum(np.asarray(joined.sum(axis=1)).ravel(), 1e-12)))
        return cls((scale @ joined @ scale).tocsr().astype(np.float32), k)

    def propagate(self, labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
        """``(n, K) float32``: the mass of each class at each sample.

        Args:
            labels: ``(n,) int64``, -1 where a sample has none.
            classes: ``K``.
        """
        rows = np.flatnonzero(labels >= 0)
        start = np.zeros((len(labels), classes), np.float32)
        start[rows, labels[rows]] = 1.0
        start /= np.maximum(start.sum(axis=0, keepdims=True), 1.0)
        mass = start
        for _ in range(_STEPS):
            before, mass = mass, np.float32(ALPHA) * (self.spread @ mass) + np.float32(1 - ALPHA) * start
            if np.abs(mass - before).sum() <= _STILL * mass.sum():
                break
        return mass


@dataclass(frozen=True)
class Propagation:
    """Decides by the neighbours of a sample: what was propagated to them.

    Attributes:
        mean: ``(D,)``, taken from vectors before their cosines.
        reference: ``(n, D) float16`` samples at unit length.
        shares_of: ``(n, K) float32`` what each of them says of the classes; rows sum to 1.
        neighbours: how many are asked.
    """

    mean: Tensor
    reference: Tensor
    shares_of: Tensor
    neighbours: int

    @classmethod
    def fit(cls, pool: Pool, labels: NDArray[np.int64], graph: Graph) -> Propagation:
        """Propagate ``labels`` ``(n,)``, -1 where there is none, over the graph of a pool."""
        mass = graph.propagate(labels, pool.classes)
        # Far from every label there is no mass, and every class is as likely as the others.
        mass = mass + np.float32(1e-12)
        shares = torch.from_numpy(mass / mass.sum(axis=1, keepdims=True))
        mean = pool.standardiser.mean.cpu()
        return cls(mean, pool.unit.cpu().half(), shares, graph.neighbours)

    def shares(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(m, D) -> (m, K)``; rows sum to 1."""
        queries = at_unit_length(torch.from_numpy(vectors), self.mean).numpy()
        k = min(self.neighbours, len(self.reference))
        found = nearest(queries, self.reference.float().numpy(), k)
        weight = found.similarity.clamp_min(1e-6)
        votes = torch.einsum("mk,mkc->mc", weight, self.shares_of[found.row])
        shares: NDArray[np.float32] = (votes / votes.sum(dim=1, keepdim=True)).numpy()
        return shares

    def tensors(self) -> dict[str, Tensor]:
        """What is saved."""
        return {"mean": self.mean, "reference": self.reference, "shares": self.shares_of}

    def settings(self) -> dict[str, Any]:
        """JSON values beside the tensors."""
        return {"neighbours": self.neighbours}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Propagation:
        """What :meth:`tensors` and :meth:`settings` describe."""
        return cls(tensors["mean"], tensors["reference"], tensors["shares"], settings["neighbours"])
