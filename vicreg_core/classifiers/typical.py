"""Which samples to label: typical ones that stand for different parts of the data, and unsure ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.classifiers.neighbours import nearest

_MOST_CLUSTERS = 500
"""More clusters than this say little of the space (Hacohen et al., appendix)."""

_FITTED_ON = 50_000
"""Samples that cluster centres are found on."""

_LOOKED_AT = 2_048
"""Members of a cluster among which the most typical is looked for."""

_NEIGHBOURS = 20


def clusters_of(unit: NDArray[np.float32], wanted: int, seed: int) -> NDArray[np.int64]:
    """``(n,) int64``: the cluster of each sample, by k-means.

    Args:
        unit: ``(n, D)`` at unit length.
        wanted: number of clusters.
        seed: of the starts.
    """
    from sklearn.cluster import KMeans

    generator = np.random.default_rng(seed)
    rows = generator.permutation(len(unit))[:_FITTED_ON]
    fitted: Any = KMeans(min(wanted, len(unit)), n_init=1, max_iter=50, random_state=seed).fit(unit[rows])
    centres = torch.from_numpy(np.ascontiguousarray(fitted.cluster_centers_, dtype=np.float32))
    half = (centres**2).sum(dim=1) / 2
    blocks = torch.from_numpy(unit).split(65_536)
    assigned: NDArray[np.int64] = torch.cat([(b @ centres.T - half).argmax(dim=1) for b in blocks]).numpy()
    return assigned


def typical(
    unit: NDArray[np.float32],
    n: int,
    labelled: NDArray[np.int64],
    allowed: NDArray[np.bool_],
    seed: int,
    groups: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """``n`` samples to label, the most telling first: of each part of the data its most typical sample.

    TypiClust (Hacohen et al., "Active learning on a budget: opposite strategies suit high and low budgets",
    arXiv:2202.02794): as many clusters as there will be labels, at most 500; of the largest cluster with the
    fewest labels the sample with the least mean distance to its 20 nearest in the cluster, again and again.

    Args:
        unit: ``(n, D) float32`` at unit length.
        n: how many.
        labelled: rows that are labelled.
        allowed: ``(n,)``, which may be suggested.
        seed: of the clusters.
        groups: ``(n,)``; at most one sample of each is chosen.
    """
    if n <= 0:
        return np.empty(0, np.int64)
    cluster = clusters_of(unit, min(len(labelled) + n, _MOST_CLUSTERS), seed)
    sizes, covered = np.bincount(cluster), np.bincount(cluster[labelled], minlength=cluster.max() + 1)
    order = np.random.default_rng(seed).permutation(len(unit))
    order = order[np.argsort(cluster[order], kind="stable")]
    members = np.split(order, np.cumsum(sizes)[:-1])
    queues: dict[int, list[int]] = {}
    chosen, met = list[int](), set[int]()
    while len(chosen) < n:
        open_ones = [place for place in range(len(sizes)) if queues.get(place, [0])]
        if not open_ones:
            break
        place = min(open_ones, key=lambda each: (covered[each], -sizes[each], each))
        if place not in queues:
            queues[place] = _by_typicality(unit, members[place], allowed)
        row = _next(queues[place], groups, met)
        if row is not None:
            chosen.append(row)
            covered[place] += 1
    return np.array(chosen, dtype=np.int64)


def _next(queue: list[int], groups: NDArray[np.int64] | None, met: set[int]) -> int | None:
    """Take the first of a queue whose group has not been met."""
    while queue:
        row = queue.pop(0)
        if groups is None:
            return row
        if groups[row] not in met:
            met.add(int(groups[row]))
            return row
    return None


def _by_typicality(
    unit: NDArray[np.float32], members: NDArray[np.int64], allowed: NDArray[np.bool_]
) -> list[int]:
    """Members that may be chosen, the most typical first."""
    looked_at = members[:_LOOKED_AT]
    open_ones = looked_at[allowed[looked_at]]
    if not len(open_ones):
        return []
    k = min(_NEIGHBOURS + 1, len(looked_at))
    similarity = nearest(unit[open_ones], unit[looked_at], k).similarity.numpy()
    dense = similarity[:, 1:].mean(axis=1) if k > 1 else similarity[:, 0]
    return [int(row) for row in open_ones[np.argsort(-dense, kind="stable")]]


def unsure(
    shares: NDArray[np.float32],
    unit: NDArray[np.float32],
    n: int,
    allowed: NDArray[np.bool_],
    seed: int,
    groups: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """``n`` samples that a classifier is least sure of, each from another part of the space.

    Of the ``10 n`` samples with the least difference between their two likeliest classes, in ``n`` clusters,
    the least sure of each.

    Args:
        shares: ``(m, K)`` class shares of all samples.
        unit: ``(m, D) float32`` at unit length.
        n: how many.
        allowed: ``(m,)``, which may be suggested.
        seed: of the clusters.
        groups: ``(m,)``; at most one sample of each is chosen.
    """
    if n <= 0:
        return np.empty(0, np.int64)
    rows = np.flatnonzero(allowed)
    top = np.partition(shares[rows], -2, axis=1)[:, -2:]
    margin = top[:, 1] - top[:, 0]
    candidates = rows[np.argsort(margin, kind="stable")]
    if groups is not None:
        candidates = candidates[np.sort(np.unique(groups[candidates], return_index=True)[1])]
    candidates = candidates[: 10 * n]
    if len(candidates) <= n:
        return candidates
    cluster = clusters_of(unit[candidates], n, seed)
    _, first = np.unique(cluster, return_index=True)  # in order of margin: the least sure of each
    chosen = np.sort(first)
    rest = np.setdiff1d(np.arange(len(candidates)), chosen)[: n - len(chosen)]
    result: NDArray[np.int64] = candidates[np.sort(np.concatenate([chosen, rest]))]
    return result
