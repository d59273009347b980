"""Whether the nearest training samples of a test sample are of its class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F  # noqa: N812

PRECISION_AT = (1, 5, 10, 50)
_QUERY_BLOCK = 512


class RetrievalScores(NamedTuple):
    """Scores of the ``q`` queries that have at least one relevant row in the gallery."""

    average_precision: NDArray[np.float64]
    """``(q,)``."""
    precision: NDArray[np.float64]
    """``(q, len(at))``."""
    queries: NDArray[np.int64]
    """``(q,)`` rows of the queries scored."""


def retrieve(
    queries: NDArray[np.float32],
    query_labels: NDArray[np.int64],
    gallery: NDArray[np.float32],
    gallery_labels: NDArray[np.int64],
    *,
    at: Sequence[int] = PRECISION_AT,
    device: torch.device | str = "cpu",
) -> RetrievalScores:
    """Rank the whole gallery by cosine for each query; a row is relevant if it has the query's label.

    Average precision is the mean, over the relevant rows, of the precision down to each of them.

    Args:
        queries: ``(m, D)``.
        query_labels: ``(m,) int64``.
        gallery: ``(n, D)``.
        gallery_labels: ``(n,) int64``.
        at: depths of precision, each at most ``n``.
        device: where to compute.
    """
    scored = np.flatnonzero(np.isin(query_labels, gallery_labels))
    if not len(scored):
        raise ValueError("no label of the queries occurs in the gallery, so nothing is relevant")
    rows = F.normalize(torch.from_numpy(gallery).to(device), dim=1)
    labels, depth = torch.from_numpy(gallery_labels).to(device), torch.tensor(at, device=device) - 1
    rank = torch.arange(1, len(gallery) + 1, device=device, dtype=torch.float64)
    averages, precisions = [], []
    for start in range(0, len(scored), _QUERY_BLOCK):
        block = scored[start : start + _QUERY_BLOCK]
        similarity = F.normalize(torch.from_numpy(queries[block]).to(device), dim=1) @ rows.T
        wanted = torch.from_numpy(query_labels[block]).to(device)[:, None]
        relevant = labels[similarity.argsort(dim=1, descending=True)] == wanted
        precision = relevant.cumsum(dim=1) / rank
        averages.append(((precision * relevant).sum(dim=1) / relevant.sum(dim=1)).cpu())
        precisions.append(precision[:, depth].cpu())
    return RetrievalScores(torch.cat(averages).numpy(), torch.cat(precisions).numpy(), scored)
