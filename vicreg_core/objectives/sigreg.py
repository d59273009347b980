"""SIGReg: embeddings drawn to an isotropic Gaussian, direction by direction (LeJEPA, arXiv:2511.08544)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vicreg_core.objectives.base import NamedTerms
from vicreg_core.objectives.validation import checked_number
from vicreg_core.objectives.whole_batch import WholeBatchObjective, common_generator

_LARGEST_T = 3.0


class SIGRegLoss(WholeBatchObjective):
    """``(1 - share) * invariance + share * sigreg``, the objective of LeJEPA.

    ``invariance`` is the mean squared distance of each embedding to the mean of its sample's views.
    ``sigreg`` projects the embeddings of a view on random unit directions ``a`` and takes the statistic of
    Epps and Pulley (Biometrika 70, 1983) of each projection, the weighted distance of its characteristic
    function to that of the standard normal::

        N * integral |mean_n exp(i t a . z_n) - exp(-t^2 / 2)|^2 exp(-t^2 / 2) dt

    by the trapezoidal rule on ``knots`` points up to ``|t| = 3``, averaged over directions and views. The
    directions of a step hang on the seed that torch was last given (the trainer gives it one each step) and
    are the same in all processes. The statistic sees batches of any size and has no pairs of samples.

    Args:
        share: of the statistic, the paper's lambda, from 0 to 1.
        directions: random directions a step.
        knots: points of the quadrature, odd or even, at least 3.

    Raises:
        TypeError: a constant that is no number.
        ValueError: one outside its range.
    """

    def __init__(self, share: float = 0.02, directions: int = 256, knots: int = 17) -> None:
        super().__init__()
        self.share = checked_number("share", share)
        if self.share > 1:
            raise ValueError(f"share: expected a number from 0 to 1, got {share}")
        if directions < 1 or knots < 3:
            raise ValueError(f"expected directions >= 1 and knots >= 3, got {directions} and {knots}")
        self.directions, self.knots = directions, knots

    def of_batch(self, views: Tensor, labels: Tensor | None = None, /) -> NamedTerms:
        """The loss, and its parts ``invariance`` and ``sigreg`` before any weight."""
        invariance = (views - views.mean(dim=0)).square().mean()
        directions = self._directions(views)
        gaussian = torch.stack([self._statistic(view @ directions) for view in views]).mean()
        loss = (1 - self.share) * invariance + self.share * gaussian
        return NamedTerms(loss, {"invariance": invariance, "sigreg": gaussian})

    def _directions(self, views: Tensor) -> Tensor:
        """``(D, M)`` unit columns, drawn on the CPU so that they are the same on every device."""
        generator = common_generator(views.device)
        drawn = torch.randn(views.shape[2], self.directions, generator=generator, dtype=torch.float64)
        unit: Tensor = drawn / drawn.norm(dim=0)
        return unit.to(views)

    def _statistic(self, projected: Tensor) -> Tensor:
        """Epps-Pulley of each column of ``(N, M)``, averaged: symmetric in ``t``, so half is integrated."""
        total = projected.new_zeros(projected.shape[1])
        step = _LARGEST_T / (self.knots - 1)
        for knot in range(self.knots):
            t = knot * step
            normal = math.exp(-t * t / 2)
            apart = ((t * projected).cos().mean(dim=0) - normal).square()
            apart = apart + (t * projected).sin().mean(dim=0).square()
            ends = knot in (0, self.knots - 1)
            total = total + apart * (normal * step * (1 if ends else 2))
        return total.mean() * len(projected)
