"""Scores of a classifier on test samples, with intervals and a table of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vicreg_core.classifiers.intervals import wilson_interval
from vicreg_core.evaluation.metrics.auroc import binary_auroc, resampled_auroc
from vicreg_core.evaluation.metrics.bootstrap import (
    bootstrap_mean,
    group_units,
    percentile_interval,
    resampled_weights,
)

_WIDEST_CONFUSION = 50


class Tallies(NamedTuple):
    """Counts of each class from which accuracy, recall, precision and F1 follow; ``(..., K)`` each."""

    support: NDArray[Any]
    predicted: NDArray[Any]
    correct: NDArray[Any]

    def accuracy(self) -> NDArray[np.float64]:
        """Share of correct answers."""
        share: NDArray[np.float64] = self.correct.sum(-1) / self.support.sum(-1)
        return share

    def balanced_accuracy(self) -> NDArray[np.float64]:
        """Mean recall over the classes that have samples."""
        recalls = _ratio(self.correct, self.support)
        mean: NDArray[np.float64] = recalls.sum(-1) / (self.support > 0).sum(-1)
        return mean

    def macro_f1(self) -> NDArray[np.float64]:
        """Mean F1 over the classes that have samples or predictions."""
        present = self.support + self.predicted
        mean: NDArray[np.float64] = _ratio(2 * self.correct, present).sum(-1) / (present > 0).sum(-1)
        return mean


def headline(*, balanced: bool) -> str:
    """The name of the score that a classifier is judged by; ``balanced``: all classes count alike."""
    return "balanced_accuracy" if balanced else "accuracy"


def score_classification(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    classes: Sequence[str],
    *,
    groups: NDArray[Any] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Accuracy, balanced accuracy, macro-F1 and, of two classes, the area under the ROC curve.

    Intervals are 95 %: Wilson's for the accuracy of independent samples, else the percentile bootstrap over
    samples or, where there are groups, over whole groups.

    Args:
        labels: ``(m,) int64``, true classes.
        probabilities: ``(m, K)`` scores of each class; the highest is the prediction.
        classes: ``K`` names.
        groups: ``(m,)`` group of each sample.
        seed: of the bootstrap.
    """
    predicted, n = probabilities.argmax(axis=1), len(labels)
    total = tally(labels, predicted, len(classes))
    resampled = _resampled(labels, predicted, len(classes), groups, seed)
    result: dict[str, Any] = {
        "metric": "accuracy",
        "n": n,
        **_points(total, labels, probabilities),
        "interval": accuracy_interval(predicted == labels, groups, seed),
        "balanced_accuracy_interval": percentile_interval(resampled.balanced_accuracy()),
        "macro_f1_interval": percentile_interval(resampled.macro_f1()),
    }
    if "auroc" in result:
        positive, score = labels == 1, probabilities[:, 1]
        result["auroc_interval"] = percentile_interval(resampled_auroc(positive, score, groups, seed))
    result["per_class"] = _class_table(total, classes)
    if len(classes) <= _WIDEST_CONFUSION:
        cells = np.bincount(labels * len(classes) + predicted, minlength=len(classes) ** 2)
        result["confusion"] = cells.reshape(len(classes), -1).tolist()
    return result


def point_scores(
    labels: NDArray[np.int64], probabilities: NDArray[np.float32], classes: int
) -> dict[str, float]:
    """The scores of :func:`score_classification` without their intervals.

    Args:
        labels: ``(m,) int64``, true classes.
        probabilities: ``(m, K)`` scores of each class.
        classes: ``K``.
    """
    return _points(tally(labels, probabilities.argmax(axis=1), classes), labels, probabilities)


def _points(
    total: Tallies, labels: NDArray[np.int64], probabilities: NDArray[np.float32]
) -> dict[str, float]:
    scores = {
        "accuracy": float(total.accuracy()),
        "balanced_accuracy": float(total.balanced_accuracy()),
        "macro_f1": float(total.macro_f1()),
    }
    if probabilities.shape[1] == 2 and 0 < labels.sum() < len(labels):
        scores["auroc"] = binary_auroc(labels == 1, probabilities[:, 1])
    return scores


def tally(labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> Tallies:
    """The tallies ``(K,)`` of all samples."""
    return Tallies(*(part[0] for part in _tally(np.zeros_like(labels), labels, predicted, 1, classes)))


def accuracy_interval(
    correct: NDArray[np.bool_], groups: NDArray[Any] | None, seed: int
) -> list[float] | None:
    """The 95 % interval of an accuracy, as :func:`score_classification` gives it."""
    if groups is None:
        return wilson_interval(int(correct.sum()), len(correct))
    return bootstrap_mean(correct.astype(np.float64), groups, seed)


def _resampled(
    labels: NDArray[np.int64],
    predicted: NDArray[np.int64],
    classes: int,
    groups: NDArray[Any] | None,
    seed: int,
) -> Tallies:
    """The tallies of bootstrap resamples, ``(resamples, K)``.

    Without groups the samples of one (label, prediction) are one unit, drawn as often as there are many.
    """
    if groups is None:
        cells, sizes = np.unique(labels * classes + predicted, return_counts=True)
        units = _tally(np.arange(len(cells)), cells // classes, cells % classes, len(cells), classes)
        draws = len(labels)
    else:
        unit, sizes = group_units(groups)
        units = _tally(unit, labels, predicted, len(sizes), classes)
        draws = len(sizes)
    blocks = [[weights @ part for part in units] for weights in resampled_weights(sizes, draws, seed)]
    if not blocks:
        return Tallies(*(np.full((1, classes), np.nan) for _ in units))
    return Tallies(*(np.concatenate(part) for part in zip(*blocks, strict=True)))


def _tally(
    unit: NDArray[np.int64],
    labels: NDArray[np.int64],
    predicted: NDArray[np.int64],
    units: int,
    classes: int,
) -> Tallies:
    """The tallies ``(units, K)`` of samples that belong to units."""
    right = labels == predicted

    def count(of: NDArray[np.int64], what: NDArray[np.int64]) -> NDArray[np.float64]:
        cells = np.bincount(of * classes + what, minlength=units * classes)
        return cells.reshape(units, classes).astype(np.float64)

    return Tallies(count(unit, labels), count(unit, predicted), count(unit[right], labels[right]))


def _class_table(total: Tallies, classes: Sequence[str]) -> list[dict[str, Any]]:
    recall, precision = _ratio(total.correct, total.support), _ratio(total.correct, total.predicted)
    f1 = _ratio(2 * total.correct, total.support + total.predicted)
    return [
        {
            "class": name,
            "n": int(total.support[k]),
            "recall": float(recall[k]),
            "precision": float(precision[k]),
            "f1": float(f1[k]),
        }
        for k, name in enumerate(classes)
    ]


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """Elementwise quotient; 0 where the whole is 0."""
    quotient: NDArray[np.float64] = np.divide(part, whole, out=np.zeros(part.shape), where=whole != 0)
    return quotient
