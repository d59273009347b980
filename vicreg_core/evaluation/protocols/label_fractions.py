"""How few labels suffice: the linear probe on small draws of the training labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.classifiers.linear import fit_tuned
from vicreg_core.classifiers.preparation import preparations
from vicreg_core.classifiers.priors import equal_priors
from vicreg_core.evaluation.metrics.classification import headline, point_scores, score_classification
from vicreg_core.evaluation.metrics.draws import row_of_draws
from vicreg_core.evaluation.protocols.config import FRACTIONS, LabelFractionsConfig
from vicreg_core.evaluation.subjects.subject import LabelledFeatures, Subject

PER_CLASS = (1, 10)
PER_CLASS_DRAWS = 10
FRACTION_DRAWS = 5


class LabelBudget(NamedTuple):
    """An amount of labels and the draws of it."""

    name: str
    draws: list[NDArray[np.int64]]
    """Rows of the training set of each draw."""


def label_budgets(
    labels: NDArray[np.int64],
    seed: int,
    *,
    fractions: Sequence[float] = FRACTIONS,
    per_class: Sequence[int] = PER_CLASS,
) -> list[LabelBudget]:
    """The budgets that ask for fewer labels than there are, then all labels.

    A draw depends on the labels and the seed alone, so an encoder and its floors see the same ones.

    Args:
        labels: ``(n,) int64`` of the training samples.
        seed: of the draws.
        fractions: shares of the labels, each class giving at least one.
        per_class: numbers of labels a class.
    """
    counts = np.unique(labels, return_counts=True)[1]
    budgets = []
    for number in per_class:
        if number < counts.min():
            draws = _draws(labels, np.full_like(counts, number), PER_CLASS_DRAWS, [seed, number])
            budgets.append(LabelBudget(f"{number} per class", draws))
    for fraction in fractions:
        quota = np.maximum(1, np.round(fraction * counts)).astype(np.int64)
        if (quota < counts).any():
            draws = _draws(labels, quota, FRACTION_DRAWS, [seed, 1000 + round(100 * fraction)])
            budgets.append(LabelBudget(f"{100 * fraction:g} %", draws))
    return [*budgets, LabelBudget("all", [np.arange(len(labels))])]


@dataclass(frozen=True, slots=True)
class LabelFractions:
    """The protocol ``label-fractions``.

    How features are prepared and penalised is chosen by cross-validation within each draw; their means and
    variances are of all training samples, which needs no labels. With one label a class there is nothing to
    hold out: features are put at unit length and penalised by
    :data:`~vicreg_core.classifiers.linear.UNTUNED_C`.
    """

    config: LabelFractionsConfig = field(default_factory=LabelFractionsConfig)
    needs_labels: bool = True

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """One row a budget: the mean of each score over its draws and the 95 % interval of that mean."""
        train, test = subject.labelled()
        vectors = torch.from_numpy(train.vectors).to(subject.device)
        test_vectors = torch.from_numpy(test.vectors).to(subject.device)
        ways = preparations(torch.from_numpy(subject.train.vectors).to(subject.device))
        labels = torch.from_numpy(train.labels).to(subject.device)

        def probe(draw: NDArray[np.int64]) -> NDArray[np.float32]:
            rows = torch.from_numpy(draw).to(subject.device)
            groups = None if train.groups is None else train.groups[draw]
            fitted = fit_tuned(
                vectors[rows], labels[rows], len(subject.classes), ways=ways, groups=groups, seed=subject.seed
            )
            shares = fitted.probabilities(test_vectors).cpu().numpy()
            return equal_priors(shares, train.labels[draw]) if self.config.balanced else shares

        metric = headline(balanced=self.config.balanced)
        budgets = label_budgets(train.labels, subject.seed, fractions=self.config.fractions)
        rows = [_row(each, [probe(draw) for draw in each.draws], test, subject, metric) for each in budgets]
        return {"rows": rows}


def _row(
    budget: LabelBudget,
    shares: list[NDArray[np.float32]],
    test: LabelledFeatures,
    subject: Subject,
    metric: str,
) -> dict[str, Any]:
    """The scores of the probabilities ``(m, K)`` of each draw."""
    if len(shares) > 1:
        points = [point_scores(test.labels, each, len(subject.classes)) for each in shares]
        scores = row_of_draws(points, metric)
    else:
        scores = score_classification(
            test.labels, shares[0], subject.classes, groups=test.groups, seed=subject.seed
        )
        scores |= {"metric": metric, "interval_over": "test samples", "std": None, "draws": 1}
    return scores | {"name": budget.name, "n_train": len(budget.draws[0]), "n": len(test.labels)}


def _draws(
    labels: NDArray[np.int64], quota: NDArray[np.int64], draws: int, seed: list[int]
) -> list[NDArray[np.int64]]:
    """``draws`` random draws of ``quota`` rows of each class, classes in the order of their index."""
    generator = np.random.default_rng(seed)
    _, label, counts = np.unique(labels, return_inverse=True, return_counts=True)
    starts = np.cumsum(counts) - counts
    drawn = []
    for _ in range(draws):
        order = np.lexsort((generator.random(len(labels)), label))
        place_in_class = np.arange(len(labels)) - starts[label[order]]
        drawn.append(np.sort(order[place_in_class < quota[label[order]]]))
    return drawn
