"""The weighted nearest-neighbour classifier: what the geometry of the features says without any training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.classifiers.neighbours import nearest

K_GRID = (1, 5, 20, 200)
HEADLINE_K = 20
"""The ``k`` of the headline, fixed beforehand: the best of the grid on the test set would flatter."""

TEMPERATURE = 0.07


def knn_probabilities(
    train: NDArray[np.float32],
    train_labels: NDArray[np.int64],
    test: NDArray[np.float32],
    classes: int,
    *,
    ks: Sequence[int] = K_GRID,
    temperature: float = TEMPERATURE,
    device: torch.device | str = "cpu",
) -> dict[int, NDArray[np.float32]]:
    """Each class's share of the votes of the ``k`` nearest training samples.

    A neighbour of cosine ``s`` votes for its class with weight ``exp(s / temperature)`` (Wu et al.,
    "Unsupervised feature learning via non-parametric instance discrimination", arXiv:1805.01978).

    Args:
        train: ``(n, D)`` features.
        train_labels: ``(n,) int64`` in ``range(classes)``.
        test: ``(m, D)`` features.
        classes: ``K``.
        ks: numbers of neighbours, each at most ``n``.
        temperature: of the weights.
        device: where to compute.

    Returns:
        ``(m, K) float32`` by ``k``; rows sum to 1.
    """
    if not ks or min(ks) < 1 or max(ks) > len(train):
        raise ValueError(f"knn needs 1 <= k <= {len(train)} training samples, got {list(ks)}")
    neighbours = nearest(test, train, max(ks), device=device)
    # Relative to the nearest, whose weight is then 1, so that a small temperature does not overflow.
    weights = ((neighbours.similarity - neighbours.similarity[:, :1]) / temperature).exp()
    labels = torch.from_numpy(train_labels)[neighbours.row]
    votes = torch.zeros(len(test), classes)
    result, counted = dict[int, NDArray[np.float32]](), 0
    for k in sorted(set(ks)):
        votes.scatter_add_(1, labels[:, counted:k], weights[:, counted:k])
        result[k], counted = (votes / votes.sum(dim=1, keepdim=True)).numpy(), k
    return result
