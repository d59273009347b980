"""The samples a classifier with few labels learns from: all of them, though few are labelled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from vicreg_core.classifiers.preprocessing import Standardiser
from vicreg_core.contracts import UNLABELLED

_PRIOR_SAMPLES = 50.0
"""Of each class, beside those that are labelled, in what is taken for how common classes are."""


@dataclass(frozen=True)
class Pool:
    """Features of labelled and unlabelled samples; the latter tell what the data is like.

    Attributes:
        vectors: ``(n, D) float32``.
        labels: ``(n,) int64`` in ``range(classes)``, -1 where a sample has none.
        classes: ``K``.
        groups: ``(n,)``, or ``None``.
        balanced: decide as if all classes were as common.
        seed: of every random choice.
        device: where to compute.
    """

    vectors: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: int
    groups: NDArray[Any] | None = None
    balanced: bool = False
    seed: int = 0
    device: torch.device | str = "cpu"

    def rows(self) -> NDArray[np.int64]:
        """Rows of the labelled samples."""
        return np.flatnonzero(self.labels != UNLABELLED)

    def groups_of(self, rows: NDArray[np.int64]) -> NDArray[Any] | None:
        """The groups of some samples, where there are groups."""
        return None if self.groups is None else np.asarray(self.groups)[rows]

    @cached_property
    def features(self) -> Tensor:
        """:attr:`vectors` on the device."""
        return torch.from_numpy(np.ascontiguousarray(self.vectors)).to(self.device)

    @cached_property
    def standardiser(self) -> Standardiser:
        """Mean and deviation of all samples, which need no labels."""
        return Standardiser.fit(self.features)

    @cached_property
    def unit(self) -> Tensor:
        """``(n, D)``: the centred samples at unit length, between which cosines are taken."""
        return at_unit_length(self.features, self.standardiser.mean)


def at_unit_length(features: Tensor, mean: Tensor) -> Tensor:
    """``(n, D)``: features without ``mean``, divided by their length; a zero vector stays one."""
    return F.normalize(features - mean, dim=1)


def smoothed_prior(labels: NDArray[np.int64], classes: int, *, balanced: bool) -> NDArray[np.float64]:
    """``(K,)``: how common the classes are, as labels tell, drawn towards equal shares where they are few.

    It is the mean of the posterior of the shares under a Dirichlet prior of fifty samples of each class: of
    ten labels one hardly learns how common a class is, of a thousand one does.

    Args:
        labels: ``(m,) int64`` of the labelled samples.
        classes: ``K``.
        balanced: all classes count as equally common.
    """
    counts = np.bincount(labels, minlength=classes).astype(np.float64)
    if balanced:
        return np.full(classes, 1.0 / classes)
    weighed = counts + _PRIOR_SAMPLES
    prior: NDArray[np.float64] = weighed / weighed.sum()
    return prior
