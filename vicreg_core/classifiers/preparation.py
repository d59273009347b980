"""The ways features are prepared for a linear classifier, among which cross-validation chooses."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vicreg_core.classifiers.pool import at_unit_length
from vicreg_core.classifiers.preprocessing import Standardiser

UNIT_LENGTH = "unit length"
"""The way taken where nothing can be held out to choose one: it trusts no dimension's own scale."""

_RIDGE = 1e-3
"""Added to the variance of every direction before whitening: what varies less is mostly noise."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """Features less their mean, then turned or scaled; or at one length.

    Attributes:
        mean: ``(D,)``, or ``None``: the features are taken as they are.
        factor: what they are multiplied by, ``()`` or ``(D,)``, or a matrix ``(D, D)``; ``None``: each row is
            brought to length ``sqrt(D)`` instead, so that one grid of penalties suits every way.
    """

    mean: Tensor | None = None
    factor: Tensor | None = None

    def __call__(self, features: Tensor) -> Tensor:
        """``(n, D) -> (n, D)``."""
        if self.mean is None:
            return features
        if self.factor is None:
            return at_unit_length(features, self.mean) * math.sqrt(features.shape[1])
        centred = features - self.mean
        return centred @ self.factor if self.factor.ndim == 2 else centred * self.factor


AS_GIVEN = Preparation()
"""For features that were prepared by the caller."""


def preparations(features: Tensor) -> dict[str, Preparation]:
    """Four ways by name, fitted to features alone, which need no labels.

    - ``as is``: centred, and scaled as a whole, to a mean variance of 1;
    - ``unit length``: centred, each row of one length;
    - ``standardised``: each dimension with mean 0 and deviation 1;
    - ``whitened``: standardised, then turned by the inverse square root of the covariance, so that all
      directions vary alike.

    Args:
        features: ``(n, D)`` floating, of all training samples.
    """
    standardise = Standardiser.fit(features)
    mean = standardise.mean
    made = standardise(features)
    correlation = (made.T @ made).double() / len(made)
    values, axes = torch.linalg.eigh(correlation)
    whiten = (axes / (values.clamp_min(0) + _RIDGE).sqrt()) @ axes.T
    overall = (features - mean).square().mean().clamp_min(torch.finfo(features.dtype).tiny)
    return {
        "as is": Preparation(mean, overall.rsqrt()),
        UNIT_LENGTH: Preparation(mean),
        "standardised": Preparation(mean, 1.0 / standardise.scale),
        "whitened": Preparation(mean, whiten.to(features.dtype) / standardise.scale[:, None]),
    }
