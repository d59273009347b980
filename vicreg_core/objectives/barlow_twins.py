"""Barlow Twins: redundancy reduction across views (arXiv:2103.03230)."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor

from vicreg_core.objectives.base import NamedTerms
from vicreg_core.objectives.validation import checked_number
from vicreg_core.objectives.whole_batch import WholeBatchObjective


class BarlowTwinsLoss(WholeBatchObjective):
    """Eq. 1 of arXiv:2103.03230: the cross-correlation of two views is drawn to the identity.

    ``C = A' B / N`` of the embeddings standardised over the batch (biased variance, ``epsilon`` added to it,
    as the authors' batch norm does), and the loss is::

        sum_i (1 - C_ii)^2 + redundancy * sum_{i != j} C_ij^2

    For more than two views the mean over all pairs.

    Args:
        redundancy: weight of the off-diagonal sum, the paper's lambda.
        scale: factor on the whole; the authors train with 0.024 on LARS.
        epsilon: added to each variance.

    Raises:
        TypeError: a constant that is no number.
        ValueError: one that is negative or not finite.
    """

    scale_free = True

    def __init__(self, redundancy: float = 0.0051, scale: float = 1.0, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.redundancy = checked_number("redundancy", redundancy)
        self.scale = checked_number("scale", scale, positive=True)
        self.epsilon = checked_number("epsilon", epsilon, positive=True)

    def of_batch(self, views: Tensor, labels: Tensor | None = None, /) -> NamedTerms:
        """The loss, and its parts ``on_diagonal`` and ``off_diagonal`` before any weight."""
        centred = views - views.mean(dim=1, keepdim=True)
        standard = centred * (centred.square().mean(dim=1, keepdim=True) + self.epsilon).rsqrt()
        on, off = [], []
        for first, second in combinations(standard, 2):
            correlation = first.T @ second / len(first)
            diagonal = correlation.diagonal()
            on.append((1 - diagonal).square().sum())
            off.append(correlation.square().sum() - diagonal.square().sum())
        parts = {"on_diagonal": torch.stack(on).mean(), "off_diagonal": torch.stack(off).mean()}
        loss = self.scale * (parts["on_diagonal"] + self.redundancy * parts["off_diagonal"])
        return NamedTerms(loss, parts)
