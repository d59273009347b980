"""The linear probe: how well a linear classifier reads the labels off frozen features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vicreg_core.classifiers.folds import assign_folds, most_folds
from vicreg_core.classifiers.preprocessing import Standardiser
from vicreg_core.classifiers.softmax import SoftmaxRegression, SoftmaxWeights

PENALTY_GRID = tuple(10.0**exponent for exponent in range(-5, 3))
"""The values of ``C`` (scikit-learn's inverse penalty) tried, strongest penalty first."""

UNTUNED_C = 1.0
"""``C`` where a class has a single label, so that nothing can be held out to choose it."""

_FOLDS = 5
_CV_TOLERANCE = 1e-3
"""Moves a cross-validated accuracy by about 0.001 and takes half the time of 1e-4."""


class TunedClassifier(NamedTuple):
    """A classifier with its penalty chosen inside its training set."""

    weights: SoftmaxWeights
    c: float
    cross_validated: dict[float, float]
    """Accuracy over the held-out folds of each ``C`` tried; empty where none could be held out."""

    def probabilities(self, features: Tensor) -> Tensor:
        """``(n, D) -> (n, K)``."""
        return self.weights.logits(features)[:, 0].softmax(dim=1)

    def predict(self, features: Tensor) -> Tensor:
        """``(n, D) -> (n,) int64``, the likeliest class."""
        return self.weights.logits(features)[:, 0].argmax(dim=1)


def fit_tuned(
    features: Tensor,
    labels: Tensor,
    classes: int,
    *,
    groups: NDArray[Any] | None = None,
    grid: Sequence[float] = PENALTY_GRID,
    seed: int = 0,
) -> TunedClassifier:
    """Choose ``C`` by five-fold cross-validation, then fit all samples with it.

    The grid is walked from the strongest penalty to the weakest, each fit starting from the last, and left
    when accuracy has been below its best twice in a row. Of equal accuracies the stronger penalty wins.

    Args:
        features: ``(n, D)``, standardised.
        labels: ``(n,) int64``.
        classes: ``K``.
        groups: ``(n,)``; folds never cross a group.
        grid: values of ``C``, ascending.
        seed: of the folds.
    """
    c, scores = UNTUNED_C, dict[float, float]()
    folds = most_folds(labels.cpu().numpy(), groups, _FOLDS)
    if folds > 1:
        scores = _cross_validate(features, labels, classes, groups, grid, folds, seed)
        c = max(scores, key=lambda value: (scores[value], -value))
    return TunedClassifier(SoftmaxRegression(features, labels, classes).fit(c), c, scores)


class LinearProbeOutcome(NamedTuple):
    """What a linear probe found."""

    probabilities: NDArray[np.float32]
    """``(m, K)`` of the test samples."""
    classifier: TunedClassifier
    """On the standardised features."""
    accuracy_groups_ignored: float | None
    """Cross-validated accuracy with folds that cross groups, where there are groups: what a careless split
    would have reported."""


def linear_probe(
    train: NDArray[np.float32],
    train_labels: NDArray[np.int64],
    test: NDArray[np.float32],
    classes: int,
    *,
    groups: NDArray[Any] | None = None,
    standardise: bool = True,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> LinearProbeOutcome:
    """Multinomial logistic regression on standardised features; the test features choose nothing.

    Args:
        train: ``(n, D)`` features.
        train_labels: ``(n,) int64`` in ``range(classes)``.
        test: ``(m, D)`` features.
        classes: ``K``.
        groups: ``(n,)`` group of each training sample.
        standardise: by the training features' mean and deviation; else they are taken as they are.
        seed: of the folds.
        device: where to compute.
    """
    features, test_features = torch.from_numpy(train).to(device), torch.from_numpy(test).to(device)
    if standardise:
        standardiser = Standardiser.fit(features)
        features, test_features = standardiser(features), standardiser(test_features)
    labels = torch.from_numpy(train_labels).to(device)
    fitted = fit_tuned(features, labels, classes, groups=groups, seed=seed)
    ignored = None
    if groups is not None and fitted.cross_validated:
        folds = most_folds(train_labels, None, _FOLDS)
        ignored = max(_cross_validate(features, labels, classes, None, PENALTY_GRID, folds, seed).values())
    return LinearProbeOutcome(fitted.probabilities(test_features).cpu().numpy(), fitted, ignored)


def _cross_validate(
    features: Tensor,
    labels: Tensor,
    classes: int,
    groups: NDArray[Any] | None,
    grid: Sequence[float],
    folds: int,
    seed: int,
) -> dict[float, float]:
    """Accuracy over the held-out folds for each ``C`` until it falls."""
    fold = torch.from_numpy(assign_folds(labels.cpu().numpy(), groups, folds, seed)).to(features.device)
    counts = fold[:, None] != torch.arange(folds, device=features.device)
    problems = SoftmaxRegression(features, labels, classes, counts)
    rows = torch.arange(len(labels), device=features.device)
    scores: dict[float, float] = {}
    weights, below = None, 0
    for c in grid:
        weights = problems.fit(c, start=weights, tolerance=_CV_TOLERANCE)
        predicted = weights.logits(features)[rows, fold].argmax(dim=1)
        score = float((predicted == labels).double().mean())
        below = below + 1 if scores and score < max(scores.values()) else 0
        scores[c] = score
        if below == 2:
            break
    return scores
