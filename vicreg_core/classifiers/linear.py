"""The linear probe: how well a linear classifier reads the labels off frozen features."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vicreg_core.classifiers.folds import assign_folds, most_folds
from vicreg_core.classifiers.preparation import AS_GIVEN, UNIT_LENGTH, Preparation, preparations
from vicreg_core.classifiers.softmax import SoftmaxRegression, SoftmaxWeights

PENALTY_GRID = tuple(10.0**exponent for exponent in range(-5, 3))
"""The values of ``C`` (scikit-learn's inverse penalty) tried, strongest penalty first."""

UNTUNED_C = 1.0
"""``C`` where a class has a single label, so that nothing can be held out to choose it."""

_FOLDS = 5
_ENOUGH = 300
"""Held-out answers after which further folds change no choice; folds of whole groups are all asked."""
_CV_TOLERANCE = 3e-3
"""Norm of a fold's gradient: what is left of the loss below it is of the order of its square."""


class HeldOut(NamedTuple):
    """What classifiers say of samples that they did not learn from."""

    log_loss: float
    """Mean over those whose class they have seen."""
    accuracy: float


class TunedClassifier(NamedTuple):
    """A classifier with preparation and penalty chosen inside its training set."""

    preparation: Preparation
    weights: SoftmaxWeights
    """On prepared features."""
    way: str
    """Name of the preparation."""
    c: float
    cross_validated: dict[str, dict[float, HeldOut]]
    """By preparation and ``C``, of those tried; empty where none could be held out."""

    def probabilities(self, features: Tensor) -> Tensor:
        """``(n, D) -> (n, K)``."""
        return self.weights.logits(self.preparation(features))[:, 0].softmax(dim=1)

    def predict(self, features: Tensor) -> Tensor:
        """``(n, D) -> (n,) int64``, the likeliest class."""
        return self.weights.logits(self.preparation(features))[:, 0].argmax(dim=1)


def fit_tuned(
    features: Tensor,
    labels: Tensor,
    classes: int,
    *,
    ways: Mapping[str, Preparation] = MappingProxyType({"as given": AS_GIVEN}),
    groups: NDArray[Any] | None = None,
    grid: Sequence[float] = PENALTY_GRID,
    seed: int = 0,
) -> TunedClassifier:
    """Choose preparation and ``C`` by the log-loss of five-fold cross-validation, then fit all samples so.

    For each preparation the grid is walked downhill from the ``C`` that was best for the last, each fit
    starting from its neighbour's. Of several thousand samples, fewer than all folds are held out in
    turn. Where nothing can be held out, features are put at unit length, where that is one of the ways, and
    ``C`` is :data:`UNTUNED_C`.

    Args:
        features: ``(n, D)``.
        labels: ``(n,) int64``.
        classes: ``K``.
        ways: preparations by name, fitted without labels (:func:`.preparation.preparations`).
        groups: ``(n,)``; folds never cross a group.
        grid: values of ``C``, ascending.
        seed: of the folds.
    """
    folds = _Folds.of(labels, groups, seed)
    tried: dict[str, dict[float, HeldOut]] = {}
    if folds is not None:
        first = grid[len(grid) // 2]
        for name, way in ways.items():
            if walked := _cross_validate(way(features), labels, classes, folds, grid, first):
                tried[name] = walked
                first = min(walked, key=lambda c: walked[c].log_loss)
    chosen, c = UNIT_LENGTH if UNIT_LENGTH in ways else next(iter(ways)), UNTUNED_C
    if tried:
        chosen, c = min(
            ((name, c) for name, walked in tried.items() for c in walked),
            key=lambda choice: (tried[choice[0]][choice[1]].log_loss, choice[1]),
        )
    preparation = ways[chosen]
    weights = SoftmaxRegression(preparation(features), labels, classes).fit(c)
    return TunedClassifier(preparation, weights, chosen, c, tried)


class LinearProbeOutcome(NamedTuple):
    """What a linear probe found."""

    probabilities: NDArray[np.float32]
    """``(m, K)`` of the test samples."""
    classifier: TunedClassifier
    leakage: dict[str, float] | None
    """Cross-validated accuracy with groups apart, and with folds that cross groups, as a careless split would
    have reported; ``None`` without groups."""


def linear_probe(
    train: NDArray[np.float32],
    train_labels: NDArray[np.int64],
    test: NDArray[np.float32],
    classes: int,
    *,
    groups: NDArray[Any] | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> LinearProbeOutcome:
    """Multinomial logistic regression on features prepared as suits them; the test features choose nothing.

    Args:
        train: ``(n, D)`` features.
        train_labels: ``(n,) int64`` in ``range(classes)``.
        test: ``(m, D)`` features.
        classes: ``K``.
        groups: ``(n,)`` group of each training sample.
        seed: of the folds.
        device: where to compute.
    """
    features, test_features = torch.from_numpy(train).to(device), torch.from_numpy(test).to(device)
    labels, ways = torch.from_numpy(train_labels).to(device), preparations(features)
    fitted = fit_tuned(features, labels, classes, ways=ways, groups=groups, seed=seed)
    leakage = None
    if groups is not None and fitted.cross_validated and (across := _Folds.of(labels, None, seed)):
        ignored = _cross_validate(fitted.preparation(features), labels, classes, across, [fitted.c], fitted.c)
        leakage = {
            "accuracy_groups_apart": fitted.cross_validated[fitted.way][fitted.c].accuracy,
            "accuracy_groups_ignored": ignored[fitted.c].accuracy,
        }
    return LinearProbeOutcome(fitted.probabilities(test_features).cpu().numpy(), fitted, leakage)


class _Folds(NamedTuple):
    """Which samples are held out together."""

    fold: Tensor
    """``(n,) int64``."""
    asked: int
    """The folds below it are held out, each in turn."""

    @classmethod
    def of(cls, labels: Tensor, groups: NDArray[Any] | None, seed: int) -> _Folds | None:
        """Folds along groups; ``None`` where nothing can be held out."""
        known = labels.cpu().numpy()
        folds = most_folds(known, groups, _FOLDS)
        if folds < 2:
            return None
        fold = torch.from_numpy(assign_folds(known, groups, folds, seed)).to(labels.device)
        enough = math.ceil(_ENOUGH * folds / len(labels))
        return cls(fold, folds if groups is not None else min(folds, enough))


def _cross_validate(
    features: Tensor, labels: Tensor, classes: int, folds: _Folds, grid: Sequence[float], first: float
) -> dict[float, HeldOut]:
    """What is said of the held-out folds, for each ``C`` from ``first`` downhill; empty where no class of
    theirs is seen in training."""
    fold, asked = folds
    counts = fold[:, None] != torch.arange(asked, device=fold.device)
    rows = torch.nonzero(fold < asked).flatten()
    held, target = fold[rows], labels[rows]
    seen = torch.zeros(asked, classes, dtype=torch.bool, device=fold.device)
    for number in range(asked):
        seen[number, labels[counts[:, number]]] = True
    judged = seen[held, target]
    if not judged.any():
        return {}
    problems = SoftmaxRegression(features, labels, classes, counts)
    place, held_out = torch.arange(len(rows), device=fold.device), features[rows]
    weights: dict[float, SoftmaxWeights] = {}

    def ask(c: float, start: float | None) -> HeldOut:
        weights[c] = problems.fit(c, start=weights.get(start or c), tolerance=_CV_TOLERANCE)
        logits = weights[c].logits(held_out)[place, held]
        losses = torch.nn.functional.cross_entropy(logits, target, reduction="none")
        right = (logits.argmax(dim=1) == target).double().mean()
        return HeldOut(float(losses[judged].double().mean()), float(right))

    found = {first: ask(first, None)}
    at = list(grid).index(first)
    for further in (grid[at + 1 :], grid[:at][::-1]):
        best = first
        for c in further:
            found[c] = ask(c, best)
            if found[c].log_loss >= found[best].log_loss:
                break
            best = c
        if best != first:
            break  # Downhill is one way only: the log-loss has one valley.
    return dict(sorted(found.items()))
