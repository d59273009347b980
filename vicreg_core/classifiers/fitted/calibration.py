"""Probabilities that mean what they say: temperature, and sets of classes that hold the right one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_GRID = np.geomspace(0.02, 20.0, 241)
_LEAST = 1e-9
_SPREAD = 0.5
"""Of the logarithm of a temperature around its usual value."""


@dataclass(frozen=True)
class Calibration:
    """From a method's class shares to probabilities: ``shares ** (1 / temperature) * prior``, normalised.

    Attributes:
        temperature: above 1 where the shares are too sure.
        prior: ``(K,)``, how common the classes are; uniform where the method has learnt that itself.
    """

    temperature: float
    prior: tuple[float, ...]

    def __call__(self, shares: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(m, K) -> (m, K)``; rows sum to 1."""
        logs = np.log(np.maximum(shares.astype(np.float64), _LEAST)) / self.temperature
        probabilities: NDArray[np.float32] = np.exp(_log_softmax(logs + self._log_prior)).astype(np.float32)
        return probabilities

    @property
    def _log_prior(self) -> NDArray[np.float64]:
        logs: NDArray[np.float64] = np.log(np.maximum(np.asarray(self.prior, np.float64), _LEAST))
        return logs

    @classmethod
    def fit(
        cls,
        shares: NDArray[np.float32],
        labels: NDArray[np.int64],
        prior: Sequence[float],
        usual: float = 1.0,
    ) -> Calibration:
        """The temperature of the least cross-entropy on samples that the classifier did not learn from.

        Targets are smoothed as in Platt's scaling, ``(m + 1) / (m + 2)`` for the right class of ``m``
        samples, so that a few right answers do not make it certain (Guo et al., "On calibration of modern
        neural networks", arXiv:1706.04599; Platt, 1999). A few wrong ones do not make it helpless either: the
        temperature has a log-normal prior around its usual value.

        Args:
            shares: ``(m, K)`` out-of-fold class shares.
            labels: ``(m,) int64``.
            prior: ``(K,)``.
            usual: temperature of the method where there are no labels to tell.
        """
        m, classes = shares.shape
        right = (m + 1) / (m + 2)
        target = np.full((m, classes), (1 - right) / max(classes - 1, 1))
        target[np.arange(m), labels] = right
        logs = np.log(np.maximum(shares.astype(np.float64), _LEAST))
        log_prior = cls(1.0, tuple(prior))._log_prior
        losses = [-(target * _log_softmax(logs / value + log_prior)).sum() for value in _GRID]
        losses += np.log(_GRID / usual) ** 2 / (2 * _SPREAD**2)
        return cls(float(_GRID[int(np.argmin(losses))]), tuple(map(float, prior)))


def nonconformity(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """``(m, K)``: how badly each class fits, one minus its probability (the hinge score)."""
    return 1.0 - probabilities.astype(np.float64)


def prediction_sets(
    probabilities: NDArray[np.float32], calibration: NDArray[np.float64], coverage: float
) -> NDArray[np.bool_]:
    """``(m, K)``: the classes that cannot be ruled out at this coverage (split conformal prediction).

    Of new samples like the labelled ones, a share ``coverage`` have their class among them (Vovk et al.,
    "Algorithmic learning in a random world", 2005); the scores here are out-of-fold, which keeps that up to
    the difference that a fold makes. With too few labels no class can be ruled out.

    Args:
        probabilities: ``(m, K)``.
        calibration: ``(c,)`` :func:`nonconformity` of the right class of labelled samples.
        coverage: in ``(0, 1)``.
    """
    from crepes import ConformalClassifier  # type: ignore[import-untyped]

    if len(calibration) < labels_for(coverage):
        return np.ones(probabilities.shape, dtype=bool)
    conformal = ConformalClassifier().fit(calibration)
    sets = conformal.predict_set(nonconformity(probabilities), confidence=coverage, smoothing=False)
    return np.asarray(sets).astype(bool)


def labels_for(coverage: float) -> int:
    """The fewest labels with which a class can be ruled out at a coverage.

    >>> labels_for(0.9), labels_for(0.99)
    (9, 99)
    """
    return math.ceil(round(coverage / (1.0 - coverage), 9))


def calibration_error(probabilities: NDArray[np.float32], labels: NDArray[np.int64], bins: int = 15) -> float:
    """Expected calibration error of the likeliest class, in ``bins`` of equal width (Guo et al., 2017)."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    weight = np.bincount(place, minlength=bins)
    gap = np.bincount(place, right, bins) - np.bincount(place, confidence, bins)
    return float(np.abs(gap).sum() / max(weight.sum(), 1))


def _log_softmax(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = logs - logs.max(axis=1, keepdims=True)
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result
