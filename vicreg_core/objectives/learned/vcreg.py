"""VCReg: variance and covariance of what lies inside the encoder (arXiv:2306.13292)."""

from __future__ import annotations

import torch
from torch import Tensor

from vicreg_core.objectives.base import NamedTerms, Need, StepInputs
from vicreg_core.objectives.global_batch import agree_on_batch
from vicreg_core.objectives.learned.whole import Gather, LearnedObjective, needed
from vicreg_core.objectives.parts import VICRegParts
from vicreg_core.objectives.validation import checked_number


class VCRegLoss(LearnedObjective):
    """``variance * v + covariance * c``, the mean over views, feature maps and the representation.

    ``v`` and ``c`` are those of :class:`vicreg_core.objectives.vicreg.VICRegLoss` for one branch. A feature
    map has one row a location (section 3.3 of the paper: locations are samples). Views need not agree, so it
    is a regulariser beside other terms, such as ``core/supervised``, more than an objective of its own.

    Args:
        variance: weight of the variance term.
        covariance: weight of the covariance term.
        gamma: standard deviation asked of each dimension.
        epsilon: added to each variance before its square root.

    Raises:
        TypeError: a constant that is no number.
        ValueError: one that is negative or not finite.
    """

    sees_embeddings = False
    regulariser = True
    needs = frozenset[Need]({"feature_maps"})

    def __init__(
        self, variance: float = 1.0, covariance: float = 0.04, gamma: float = 1.0, epsilon: float = 1e-4
    ) -> None:
        super().__init__()
        self.variance = checked_number("variance", variance)
        self.covariance = checked_number("covariance", covariance)
        self.gamma = checked_number("gamma", gamma, positive=True)
        self.epsilon = checked_number("epsilon", epsilon, positive=True)

    def of_batch(self, inputs: StepInputs, gather: Gather, /) -> NamedTerms:
        """The loss, and its parts ``variance`` and ``covariance`` before any weight."""
        needed("feature maps of the encoder", inputs.feature_maps)
        needed("representations", inputs.representations)
        spreads, copies = [], []
        for maps, representation in zip(inputs.feature_maps, inputs.representations, strict=True):
            for rows in (*map(_locations, maps), representation):
                batch = agree_on_batch([rows], len(representation), across_processes=True)
                _, spread, copied = VICRegParts.apply(self.gamma, self.epsilon, batch, rows)
                spreads.append(spread.mean())
                copies.append(copied.mean())
        parts = {"variance": torch.stack(spreads).mean(), "covariance": torch.stack(copies).mean()}
        return NamedTerms(self.variance * parts["variance"] + self.covariance * parts["covariance"], parts)


def _locations(maps: Tensor) -> Tensor:
    """``(B, C, ...) -> (B * locations, C)``."""
    return maps.movedim(1, -1).reshape(-1, maps.shape[1])
