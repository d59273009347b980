"""Exact nearest neighbours by cosine similarity, in blocks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

_QUERY_BLOCK = 1024
_GALLERY_BLOCK = 32_768


class Neighbours(NamedTuple):
    """The nearest gallery rows of each query, nearest first; on the CPU."""

    similarity: Tensor
    """``(m, k) float32`` cosines."""
    row: Tensor
    """``(m, k) int64`` rows of the gallery."""


def nearest(
    queries: NDArray[np.float32],
    gallery: NDArray[np.float32],
    k: int,
    *,
    device: torch.device | str = "cpu",
    query_block: int = _QUERY_BLOCK,
    gallery_block: int = _GALLERY_BLOCK,
) -> Neighbours:
    """The ``k`` nearest rows of the gallery for each query.

    Beside its arguments and result it holds one block of similarities and one of gallery rows, so a gallery
    may be a memory-mapped array larger than memory. A zero vector has cosine 0 to everything.

    Args:
        queries: ``(m, D)``.
        gallery: ``(n, D)``.
        k: at most ``n``.
        device: where to compute.
        query_block: queries at a time.
        gallery_block: gallery rows at a time.
    """
    blocks = (torch.from_numpy(queries[at : at + query_block]) for at in range(0, len(queries), query_block))
    found = [_nearest_block(block, gallery, k, device, gallery_block) for block in blocks]
    return Neighbours(*(torch.cat(part).cpu() for part in zip(*found, strict=True)))


def _nearest_block(
    queries: Tensor, gallery: NDArray[np.float32], k: int, device: torch.device | str, gallery_block: int
) -> Neighbours:
    """The nearest of one block of queries: the best of each gallery block, merged as they come."""
    queries = F.normalize(queries.to(device), dim=1)
    best: Neighbours | None = None
    for start in range(0, len(gallery), gallery_block):
        rows = torch.from_numpy(gallery[start : start + gallery_block]).to(device)
        similarity, index = (queries @ F.normalize(rows, dim=1).T).topk(min(k, len(rows)), dim=1)
        index += start
        if best is not None:
            similarity = torch.cat([best.similarity, similarity], dim=1)
            index = torch.cat([best.row, index], dim=1)
            similarity, order = similarity.topk(min(k, similarity.shape[1]), dim=1)
            index = index.gather(1, order)
        best = Neighbours(similarity, index)
    if best is None:
        raise ValueError("nearest() needs a gallery of at least one row")
    return best
