"""Numbers on the representation of the evaluated samples."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.evaluation.protocols.clustering import cluster
from vicreg_core.report.snapshot_file import Neighbours, Space
from vicreg_core.training.diagnostics import effective_rank

_BINS = 30
_CLUSTERS, _MOST_CLUSTERS = 10, 20


def space_of(vectors: NDArray[np.float32]) -> Space:
    """Spread of the dimensions, covariance spectrum and effective rank of ``(n, D)`` vectors."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    eigenvalues = np.maximum(np.linalg.eigvalsh(centred.T @ centred)[::-1], 0)
    counts, edges = np.histogram(vectors.std(axis=0, ddof=1), bins=_BINS)
    total = max(float(eigenvalues.sum()), 1e-300)
    return Space(
        dims=vectors.shape[1],
        rows=len(vectors),
        effective_rank=round(effective_rank(torch.from_numpy(vectors)), 2),
        std_counts=counts.tolist(),
        std_edges=[float(f"{edge:.5g}") for edge in edges],
        spectrum=[float(f"{value / total:.4g}") for value in eigenvalues],
    )


def clusters_of(vectors: NDArray[np.float32], classes: int, seed: int) -> list[int]:
    """The k-means cluster of each of ``(n, D)`` vectors, numbered from 1, the largest first.

    There are as many as ``classes``, at most 20; ten where nothing has a label.
    """
    wanted = min(classes, _MOST_CLUSTERS) or _CLUSTERS
    distinct = len(np.unique(vectors, axis=0))
    found = cluster(vectors, min(wanted, distinct), seed)
    by_size = np.argsort(-np.bincount(found), kind="stable")
    place = np.empty_like(by_size)
    place[by_size] = np.arange(1, len(by_size) + 1)
    return [int(each) for each in place[found]]


def neighbours_of(vectors: NDArray[np.float32], items: NDArray[np.int64], count: int) -> list[Neighbours]:
    """The ``count`` others nearest to each of ``items`` by cosine similarity, nearest first."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    similarity = unit[items] @ unit.T
    similarity[np.arange(len(items)), items] = -np.inf
    order = np.argsort(-similarity, axis=1, kind="stable")[:, : min(count, len(vectors) - 1)]
    return [
        Neighbours(
            item=int(item),
            near=near.tolist(),
            similarity=[round(float(value), 4) for value in row[near]],
        )
        for item, near, row in zip(items, order, similarity, strict=True)
    ]
