"""Classifiers of which the logits are an affine function of prepared features: linear and prototype."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vicreg_core.classifiers.linear import fit_tuned
from vicreg_core.classifiers.pool import Pool
from vicreg_core.classifiers.preparation import Preparation

_SHARPNESS = 10.0
"""Logits of a prototype at cosine 1; the temperature is calibrated afterwards."""


@dataclass(frozen=True)
class Affine:
    """Logits ``prepared @ weight + bias``.

    Attributes:
        mean: ``(D,)``, taken from vectors.
        scale: ``(D,)`` that they are divided by; ``None``: they are brought to length ``sqrt(D)`` instead.
        weight: ``(D, K)``.
        bias: ``(K,)``; minus infinity for a class without a label.
    """

    mean: Tensor
    scale: Tensor | None
    weight: Tensor
    bias: Tensor

    def shares(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(m, D) -> (m, K)``; rows sum to 1."""
        prepared = _prepared(torch.from_numpy(vectors), self.mean, self.scale)
        shares: NDArray[np.float32] = (prepared @ self.weight + self.bias).softmax(dim=1).numpy()
        return shares

    def tensors(self) -> dict[str, Tensor]:
        """What is saved."""
        scale = {} if self.scale is None else {"scale": self.scale}
        return {"mean": self.mean, "weight": self.weight, "bias": self.bias, **scale}

    def settings(self) -> dict[str, Any]:
        """JSON values beside the tensors: none."""
        return {}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Affine:
        """What :meth:`tensors` describes."""
        return cls(tensors["mean"], tensors.get("scale"), tensors["weight"], tensors["bias"])


def fit_linear(pool: Pool, labels: NDArray[np.int64], *, unit: bool) -> Affine:
    """Logistic regression on standardised features, or on features at unit length.

    Args:
        pool: all samples; mean and deviation are of all.
        labels: ``(n,)``, -1 where a sample has none or it is not to be known.
        unit: at unit length.
    """
    rows = np.flatnonzero(labels >= 0)
    scale = None if unit else pool.standardiser.scale
    prepared = _prepared(pool.features[rows], pool.standardiser.mean, scale)
    known, index = np.unique(labels[rows], return_inverse=True)
    groups = pool.groups_of(rows)
    target = torch.from_numpy(index).to(prepared.device)
    weight = torch.zeros(prepared.shape[1], pool.classes)
    bias = torch.full((pool.classes,), -torch.inf)
    if len(known) == 1:
        bias[known] = 0.0
    else:
        fitted = fit_tuned(prepared, target, len(known), groups=groups, seed=pool.seed).weights
        weight[:, known], bias[known] = fitted.weight[0].cpu(), fitted.bias[0].cpu()
    if pool.balanced:
        counts = np.bincount(labels[rows], minlength=pool.classes)
        bias -= torch.from_numpy(np.log(np.maximum(counts, 1))).float()
    return Affine(pool.standardiser.mean.cpu(), None if scale is None else scale.cpu(), weight, bias)


def fit_prototype(pool: Pool, labels: NDArray[np.int64]) -> Affine:
    """The cosine with the mean of each class's samples at unit length (Snell et al., arXiv:1703.05175)."""
    rows = np.flatnonzero(labels >= 0)
    index = torch.from_numpy(labels[rows])
    sums = torch.zeros(pool.classes, pool.unit.shape[1]).index_add_(0, index, pool.unit[rows].cpu())
    prototypes = torch.nn.functional.normalize(sums, dim=1)
    bias = torch.zeros(pool.classes)
    bias[torch.bincount(index, minlength=pool.classes) == 0] = -torch.inf
    weight = _SHARPNESS / math.sqrt(pool.unit.shape[1]) * prototypes.T.contiguous()
    return Affine(pool.standardiser.mean.cpu(), None, weight, bias)


def _prepared(features: Tensor, mean: Tensor, scale: Tensor | None) -> Tensor:
    return Preparation(mean, None if scale is None else 1.0 / scale)(features)
