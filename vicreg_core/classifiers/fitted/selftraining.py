"""Self-training: what a classifier is surest of among the unlabelled samples becomes labels for the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vicreg_core.classifiers.affine import Affine, fit_linear
from vicreg_core.classifiers.pool import Pool
from vicreg_core.contracts import UNLABELLED

_ROUNDS = 3
_SURE = 0.5
"""Share of the samples given a class, the surest first, that are believed: of every class alike, so that an
easy class does not crowd out the others."""


def fit_self_training(pool: Pool, labels: NDArray[np.int64], shares: NDArray[np.float32]) -> Affine:
    """Logistic regression at unit length, three times, each on the labels and what the last was surest of.

    The first teacher spreads labels over the graph of neighbours, which is right with few labels where a
    linear classifier is not yet (Yarowsky, ACL 1995; with propagation first: Iscen et al., arXiv:1904.04717).

    Args:
        pool: all samples.
        labels: ``(n,)``, -1 where a sample has none or it is not to be known.
        shares: ``(n, K)`` of the first teacher.
    """
    if len(np.unique(labels[labels != UNLABELLED])) < 2:
        return fit_linear(pool, labels, unit=True)
    for _ in range(_ROUNDS):
        rule = fit_linear(pool, _believed(labels, shares), unit=True)
        shares = rule.shares(pool.vectors)
    return rule


def _believed(labels: NDArray[np.int64], shares: NDArray[np.float32]) -> NDArray[np.int64]:
    """The labels, and the class of the surest of the others."""
    guess, sure = shares.argmax(axis=1), shares.max(axis=1)
    believed = labels.copy()
    for k in np.unique(labels[labels != UNLABELLED]):
        given = np.flatnonzero((guess == k) & (labels == UNLABELLED))
        order = np.argsort(-sure[given], kind="stable")
        believed[given[order[: int(_SURE * len(given))]]] = k
    return believed
