"""What stands out by its distances: near-duplicates, outliers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.classifiers.neighbours import Neighbours, nearest
from vicreg_core.decisions.audit.aligned import Aligned
from vicreg_core.decisions.audit.chance import Chance
from vicreg_core.errors import PluginError

NEIGHBOURS = 20
_BY_CHANCE = 0.001
"""Pairs that would be called near-duplicates by chance, were the samples spread evenly around each other."""

_BLOCK = 65_536
MOST_EXACT = 100_000
"""Samples that are compared with every other."""
_CELLS = 4
"""Cells are so many times the root of the samples, as faiss advises; of those the nearest are looked into."""
_OF_EACH_CELL, _LOOKED_INTO = 64, 16
_SPREADS = 6.0


@dataclass(frozen=True)
class Duplicate:
    """Two samples that are all but the same.

    Attributes:
        first, second: rows, the smaller first.
        similarity: their cosine.
    """

    first: int
    second: int
    similarity: float


def others_near(unit: NDArray[np.float32], k: int = NEIGHBOURS, most_exact: int = MOST_EXACT) -> Neighbours:
    """The ``k`` nearest others of each sample ``(n, D)`` at unit length; fewer of few samples.

    Exact up to ``most_exact`` samples; of more, a few are missed (:func:`indexed`).
    """
    k = min(k, len(unit) - 1)
    found = nearest(unit, unit, k + 1) if len(unit) <= most_exact else indexed(unit, k + 1)
    own = found.row == torch.arange(len(unit))[:, None]
    # Itself goes last, and then away. Among equal samples it may be missing: then the farthest goes.
    order = own.int().argsort(dim=1, stable=True)[:, :k]
    return Neighbours(found.similarity.gather(1, order), found.row.gather(1, order))


def require_faiss() -> None:
    """Raise a ``PluginError`` that says what to install, where faiss is missing."""
    if find_spec("faiss") is None:
        raise PluginError(
            f"more than {MOST_EXACT:,} samples are compared by faiss: pip install 'vicreg-suite[index]'"
        )


def indexed(unit: NDArray[np.float32], k: int) -> Neighbours:
    """As ``nearest(unit, unit, k)``, but among the samples of the nearest cells only, by faiss.

    Where fewer are found a sample stands beside itself with a cosine of -1.

    Raises:
        PluginError: faiss is not installed.
    """
    require_faiss()
    faiss: Any = import_module("faiss")
    rows, width = unit.shape
    cells = max(1, int(_CELLS * np.sqrt(rows)))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, cells, faiss.METRIC_INNER_PRODUCT)
    index.train(unit[np.random.default_rng(0).permutation(rows)[: _OF_EACH_CELL * cells]])
    index.add(unit)
    index.nprobe = _LOOKED_INTO
    parts = [index.search(unit[start : start + _BLOCK], k) for start in range(0, rows, _BLOCK)]
    similarity, row = (np.concatenate(part) for part in zip(*parts, strict=True))
    missing = row < 0
    similarity[missing], row[missing] = -1.0, np.nonzero(missing)[0]
    return Neighbours(torch.from_numpy(similarity), torch.from_numpy(row))


def near_duplicates(spaces: Sequence[Space], aligned: Aligned | None = None) -> list[Duplicate]:
    """Pairs of samples far nearer to each other than either is to the rest, the most alike first.

    A pair whose distance is so improbable (:class:`Chance`) that among all samples there would hardly be one,
    is one. One measure is enough: an encoder sees through what it was trained to ignore, raw features
    through noise, and pictures laid over one another through a move.

    Groups of up to ten near-duplicates are found; of larger ones those that are equal.

    Args:
        spaces: the same samples in each of several spaces; the similarity told is that of the first.
        aligned: the same samples as pictures.
    """
    rows = [space.near.row.numpy() for space in spaces]
    first = np.concatenate([np.repeat(np.arange(len(row)), row.shape[1]) for row in rows])
    second = np.concatenate([row.ravel() for row in rows])
    pairs = np.unique(np.stack([np.minimum(first, second), np.maximum(first, second)], axis=1), axis=0)
    measures: list[Space | Aligned] = [*spaces, *([] if aligned is None else [aligned])]
    expected = rows[0].size * len(measures) / 2
    alike = np.zeros(len(pairs), dtype=bool)
    for measure in measures:
        alike |= measure.log_probability(pairs) < np.log(_BY_CHANCE / expected)
    pairs = pairs[alike]
    similarity = spaces[0].cosine(pairs)
    found = [Duplicate(int(a), int(b), float(s)) for (a, b), s in zip(pairs, similarity, strict=True)]
    return sorted(found, key=lambda pair: -pair.similarity)


@dataclass(frozen=True)
class Space:
    """Samples as vectors at unit length, with what is usual among them.

    Attributes:
        unit: ``(n, D) float32`` at unit length.
        near: of :func:`others_near`.
        chance: of distances between neighbours.
    """

    unit: NDArray[np.float32]
    near: Neighbours
    chance: Chance

    @classmethod
    def of(cls, unit: NDArray[np.float32]) -> Space:
        """That of vectors ``(n, D)`` at unit length."""
        near = others_near(unit)
        return cls(unit, near, Chance.of(_distance(near.similarity.numpy())))

    def cosine(self, pairs: NDArray[np.int64]) -> NDArray[np.float32]:
        """``(p,)``: of each pair of rows ``(p, 2)``, in blocks."""
        cosines = np.empty(len(pairs), np.float32)
        for start in range(0, len(pairs), _BLOCK):
            first, second = pairs[start : start + _BLOCK].T
            cosines[start : start + _BLOCK] = np.einsum("nd,nd->n", self.unit[first], self.unit[second])
        return cosines

    def log_probability(self, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        """``(p,)``: the logarithm of how probable the distance of each pair of rows ``(p, 2)`` is."""
        return self.chance.log_probability(pairs, _distance(self.cosine(pairs)))


def _distance(cosine: NDArray[np.float32]) -> NDArray[np.float32]:
    distance: NDArray[np.float32] = np.sqrt((2.0 - 2.0 * cosine).clip(min=0.0))
    return distance


def outliers(near: Neighbours) -> list[tuple[int, float]]:
    """Samples far from all others, ``(row, spreads)``, the farthest first.

    Their mean distance to ten others lies more than six robust standard deviations above the median.
    """
    distance = 1.0 - near.similarity.numpy()[:, :10].mean(axis=1)
    middle = np.median(distance)
    spread = 1.4826 * np.median(np.abs(distance - middle))
    if spread == 0:
        return []
    spreads = (distance - middle) / spread
    rows = np.argsort(-spreads, kind="stable")
    return [(int(row), float(spreads[row])) for row in rows if spreads[row] > _SPREADS]
