"""Which method, by cross-validation among the labelled samples, and what accuracy to expect of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.classifiers.fitted.calibration import Calibration
from vicreg_core.classifiers.fitted.methods import EQUAL_PRIORS, METHODS, Ground, out_of_fold
from vicreg_core.classifiers.folds import assign_folds, most_folds
from vicreg_core.classifiers.intervals import wilson_interval
from vicreg_core.classifiers.pool import Pool, smoothed_prior

_RESAMPLES = 2000
_MANY_LABELS = 200
"""From so many on five folds do; with fewer, ten leave more to learn from."""

_LABELS_A_CLASS = 20
"""From so many on scores are believed as they are."""

_UNTUNED = {"propagation": 0.2}
"""Temperatures where no label can be held out, of methods for which 1 will not do."""


@dataclass(frozen=True)
class Estimate:
    """What accuracy to expect on new samples like the labelled ones.

    Attributes:
        value: share of right answers, of each class alike where decisions are balanced.
        interval: its 95 % interval.
        n: labelled samples.
        metric: ``"accuracy"`` or ``"balanced_accuracy"``.
    """

    value: float
    interval: tuple[float, float]
    n: int
    metric: str


@dataclass(frozen=True)
class Choice:
    """What was tried and chosen.

    Attributes:
        method: of :data:`METHODS`.
        tried: cross-validated score by method; empty where nothing could be held out.
        estimate: ``None`` where nothing could be held out.
        calibration: of the method's class shares.
        held_out: ``(m, K)`` calibrated probabilities of the labelled samples, in the order of their rows,
            from folds that lack them; ``None`` where nothing could be held out.
        why: of the choice, in words.
    """

    method: str
    calibration: Calibration
    tried: Mapping[str, float] = field(default_factory=dict)
    estimate: Estimate | None = None
    held_out: NDArray[np.float32] | None = None
    why: str = ""


def choose(ground: Ground, candidates: Sequence[str], say: Callable[[str], None] = lambda _: None) -> Choice:
    """Choose among methods by the labelled samples that folds hold out; whole groups where there are groups.

    The best is taken. With fewer than twenty labels a class, scores tell little: then a later candidate takes
    the place of the first only where it is better by more than the standard error of the difference. With
    fewer than two labels of a class nothing is compared: the first is taken.

    The estimate is that of the whole procedure, choice included: in each bootstrap resample of the held-out
    answers the best method is chosen and scored on the samples that were not drawn (Tsamardinos et al.,
    "Bootstrapping the out-of-sample predictions for efficient and accurate cross-validation",
    arXiv:1708.07180).

    Args:
        ground: all samples.
        candidates: names of :data:`METHODS`, the preferred first.
        say: told what is tried.
    """
    pool, rows = ground.pool, ground.pool.rows()
    labels = pool.labels[rows]
    groups = pool.groups_of(rows)
    counts = np.bincount(labels, minlength=pool.classes)
    folds = most_folds(labels, groups, 10 if len(rows) < _MANY_LABELS else 5)
    if folds < 2:
        return judge(pool, dict.fromkeys(candidates[:1]), folds)
    fold = assign_folds(labels, groups, folds, pool.seed)
    shares: dict[str, NDArray[np.float32] | None] = {}
    for name in candidates[:1] if (counts[counts > 0] < 2).any() else candidates:
        say(f"cross-validating {name} on {len(rows):,} labels")
        shares[name] = out_of_fold(pool, rows, fold, functools.partial(METHODS[name], ground))
    return judge(pool, shares, folds)


def judge(pool: Pool, shares: Mapping[str, NDArray[np.float32] | None], folds: int) -> Choice:
    """Choose by what methods say of the labelled samples without having known their labels.

    Args:
        pool: all samples.
        shares: by method ``(m, K)`` class shares of the labelled samples, in the order of their rows, from
            folds that lack them; the preferred method first. ``None``: no label can be held out.
        folds: how many.
    """
    rows = pool.rows()
    labels = pool.labels[rows]
    groups = pool.groups_of(rows)
    counts = np.bincount(labels, minlength=pool.classes)
    compared = list(shares)
    calibrations, held_out = dict[str, Calibration](), dict[str, NDArray[np.float32]]()
    for name, of in shares.items():
        if of is None:
            untuned = Calibration(_UNTUNED.get(name, 1.0), prior_of(pool, name))
            return Choice(name, untuned, why="no label can be held out to compare methods")
        calibrations[name] = Calibration.fit(of, labels, prior_of(pool, name), _UNTUNED.get(name, 1.0))
        held_out[name] = calibrations[name](of)
    few = bool((counts[counts > 0] < 2).any())
    weight = _weights(labels, counts, balanced=pool.balanced)
    right = np.stack([(of.argmax(axis=1) == labels).astype(np.float64) for of in held_out.values()], axis=1)
    scores = weight @ right
    best = int(scores.argmax())
    if len(rows) < _LABELS_A_CLASS * np.count_nonzero(counts) and not _is_clear(right[:, [0, best]], weight):
        best = 0
    tried = {name: float(scores[place]) for place, name in enumerate(held_out)}
    return Choice(
        method=compared[best],
        calibration=calibrations[compared[best]],
        tried=tried,
        estimate=_estimate(right, labels, groups, pool.balanced, folds, pool.seed),
        held_out=held_out[compared[best]],
        why=_reason(few, best, len(compared)),
    )


def prior_of(pool: Pool, method: str) -> tuple[float, ...]:
    """``(K,)``: how common the classes are; uniform for a method that learns it from the labels itself."""
    labels = pool.labels[pool.rows()]
    flat = pool.balanced or method not in EQUAL_PRIORS
    return tuple(smoothed_prior(labels, pool.classes, balanced=flat).tolist())


def _reason(few: bool, best: int, compared: int) -> str:
    if few:
        return "a class has a single label, so that methods cannot be compared"
    if compared == 1:
        return "it was asked for"
    return "it scores best" if best else "none is clearly better"


def _weights(labels: NDArray[np.int64], counts: NDArray[np.int64], *, balanced: bool) -> NDArray[np.float64]:
    """``(m,)`` summing to 1: every sample alike, or every class."""
    weight = 1.0 / counts[labels] if balanced else np.ones(len(labels))
    normalised: NDArray[np.float64] = weight / weight.sum()
    return normalised


def _is_clear(right: NDArray[np.float64], weight: NDArray[np.float64]) -> bool:
    """Whether the second column is better than the first by more than a standard error of the difference."""
    difference = right[:, 1] - right[:, 0]
    gain = float(weight @ difference)
    return gain > float(np.sqrt((weight**2 * (difference - gain) ** 2).sum()))


def _estimate(
    right: NDArray[np.float64],
    labels: NDArray[np.int64],
    groups: NDArray[Any] | None,
    balanced: bool,
    folds: int,
    seed: int,
) -> Estimate:
    """Bootstrap of the out-of-fold answers, the choice repeated in each resample.

    Answers of one fold come from one classifier, and folds share most of what they learn from; the variance
    is therefore taken as Nadeau and Bengio do ("Inference for the generalization error", Machine Learning
    52, 2003), about twice that of independent answers.
    """
    generator, n = np.random.default_rng(seed), len(labels)
    unit = np.arange(n) if groups is None else np.unique(groups.astype(str), return_inverse=True)[1]
    units, classes = int(unit.max()) + 1, int(labels.max()) + 1
    outside, inside = [], []
    for _ in range(_RESAMPLES):
        times = np.bincount(generator.integers(units, size=units), minlength=units)[unit]
        left = times == 0
        if not left.any():
            continue
        scores = _scores(right, times, labels, classes, balanced)
        best = int(scores.argmax())
        outside.append(_scores(right[:, [best]], left, labels, classes, balanced)[0])
        inside.append(scores[best])
    value = float(np.mean(outside))
    # Around the estimate that the choice has not flattered: the spread of resamples, and for few answers,
    # which may be all right, that of a proportion.
    wider = 1.0 + folds / (folds - 1)
    low, high = (np.percentile(inside, [2.5, 97.5]) - np.mean(inside)) * np.sqrt(wider)
    trials = (n if groups is None else units) / wider
    proportion = wilson_interval(value * trials, trials)
    interval = (max(0.0, min(value + low, proportion[0])), min(1.0, max(value + high, proportion[1])))
    return Estimate(value, interval, n, "balanced_accuracy" if balanced else "accuracy")


def _scores(
    right: NDArray[np.float64], times: NDArray[Any], labels: NDArray[np.int64], classes: int, balanced: bool
) -> NDArray[np.float64]:
    times = times.astype(np.float64)
    if balanced:
        counts = np.bincount(labels, times, classes)
        times = times / np.where(counts > 0, counts, 1.0)[labels]
    scores: NDArray[np.float64] = times @ right / times.sum()
    return scores
