"""Pictures laid over one another: the same picture, moved by a little or of another brightness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from vicreg_core.classifiers.neighbours import Neighbours
from vicreg_core.contracts import DatasetAdapter
from vicreg_core.data.png import reduced
from vicreg_core.decisions.audit.chance import Chance
from vicreg_core.decisions.samples import RunSamples

SIDE = 32
"""Pictures are compared at up to so many pixels a side."""
CANDIDATES = 20
"""Of each sample so many of its nearest others by the encoder are laid over it."""

_MOVED = 2
_EVEN = 1e-4
_BLOCK, _SAMPLES = 256, 4096


@dataclass(frozen=True)
class Aligned:
    """How alike pictures are when one is moved over the other, with what is usual among neighbours.

    Attributes:
        keys: ``(p,) int64`` sorted, ``first * n + second`` of each pair that was compared, the smaller first.
        distance: ``(p,) float32`` of the pair: ``sqrt(2 - 2 r)``, where ``r`` is the highest correlation of
            the two, each moved by up to two pixels, over what lies over the other.
        chance: of distances between neighbours.
    """

    keys: NDArray[np.int64]
    distance: NDArray[np.float32]
    chance: Chance

    @classmethod
    def of(cls, pictures: NDArray[np.uint8], near: Neighbours) -> Aligned:
        """Of gray pictures ``(n, H, W)`` and the neighbours that the encoder gives each."""
        row = near.row[:, :CANDIDATES]
        distance = _distances(torch.from_numpy(pictures), row).numpy()
        own = np.broadcast_to(np.arange(len(row))[:, None], row.shape)
        keys, first = np.unique(
            _keys(np.stack([own, row.numpy()], axis=-1).reshape(-1, 2), len(row)), return_index=True
        )
        return cls(keys, distance.reshape(-1)[first], Chance.of(np.sort(distance, axis=1)))

    def log_probability(self, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        """``(p,)``: logarithm of how probable each pair's distance is; 0 of pairs that were not compared."""
        keys = _keys(pairs, len(self.chance.usual))
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        logs = self.chance.log_probability(pairs, self.distance[place])
        return np.where(self.keys[place] == keys, logs, 0.0)


def gray_pictures(opened: RunSamples, parts: Sequence[DatasetAdapter]) -> NDArray[np.uint8] | None:
    """All samples as small gray pictures ``(n, H, W)``; ``None`` where they are none, or of unlike size."""
    gray: list[NDArray[np.uint8]] = []
    for data in parts:
        for start in range(0, len(data), _SAMPLES):
            rows = np.arange(start, min(start + _SAMPLES, len(data)))
            seen = opened.seen(data, rows)
            if len(seen) < len(rows) or any(isinstance(one, str) for one in seen):
                return None
            gray += [_gray(one) for one in seen if not isinstance(one, str)]
    return np.stack(gray) if len({one.shape for one in gray}) == 1 else None


def _gray(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    small = reduced(picture, SIDE)
    gray: NDArray[np.uint8] = small if small.ndim == 2 else small.mean(axis=2).astype(np.uint8)
    return gray


def _keys(pairs: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    keys: NDArray[np.int64] = pairs.min(axis=1) * count + pairs.max(axis=1)
    return keys


def _distances(pictures: Tensor, row: Tensor) -> Tensor:
    """``(n, k) float32``: between each picture ``(n, H, W)`` and those of ``row``."""
    shape = pictures.shape[1:]
    moves = _moves(shape)
    flat = pictures.reshape(len(pictures), -1).float() / 255
    flat = flat - flat.mean(dim=1, keepdim=True)
    inside = _moved(torch.ones(1, *shape), moves)[0]
    parts = [
        _correlation(_moved(block.reshape(-1, *shape), moves), flat[others], inside)
        for block, others in zip(flat.split(_BLOCK), row.split(_BLOCK), strict=True)
    ]
    return (2.0 - 2.0 * torch.cat(parts)).clamp_min(0.0).sqrt()


def _correlation(moved: Tensor, others: Tensor, inside: Tensor) -> Tensor:
    """``(b, k)``: the highest correlation over all moves, each over what lies inside both pictures.

    Args:
        moved: ``(b, m, P)`` pictures at each move, zero where nothing lies.
        others: ``(b, k, P)``.
        inside: ``(m, P)`` one where something lies.
    """
    count = inside.sum(dim=1)[:, None]
    other = others.transpose(1, 2)
    sum_moved, sum_other = moved.sum(dim=2, keepdim=True), inside @ other
    spread_moved = moved.square().sum(dim=2, keepdim=True) - sum_moved.square() / count
    spread_other = inside @ other.square() - sum_other.square() / count
    # What is left of an even picture says nothing.
    spread = (spread_moved * spread_other).clamp_min(0.0).sqrt()
    together = moved @ other - sum_moved * sum_other / count
    found: Tensor = (together / spread.clamp_min(_EVEN * count)).amax(dim=1)
    return found


def _moves(shape: Sequence[int]) -> list[tuple[int, int]]:
    """Moves that leave most of a picture over the other."""
    down, right = (min(_MOVED, side // 4) for side in shape)
    return [(y, x) for y in range(-down, down + 1) for x in range(-right, right + 1)]


def _moved(pictures: Tensor, moves: Sequence[tuple[int, int]]) -> Tensor:
    """``(b, m, P)``: each picture ``(b, H, W)`` at each move, zero where nothing lies."""
    at = [
        F.pad(pictures, (x, -x, y, -y)).reshape(len(pictures), -1)  # Negative padding cuts.
        for y, x in moves
    ]
    return torch.stack(at, dim=1)
