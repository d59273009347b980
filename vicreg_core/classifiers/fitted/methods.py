"""The ways to a classifier, by the names of ``vicreg fit --method``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vicreg_core.classifiers.affine import Affine, fit_linear, fit_prototype
from vicreg_core.classifiers.fitted.selftraining import fit_self_training
from vicreg_core.classifiers.pool import Pool
from vicreg_core.classifiers.propagation import Graph, Propagation
from vicreg_core.contracts import UNLABELLED


class Rule(Protocol):
    """Something that decides: class shares of vectors, and what is saved of it."""

    def shares(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(m, D) -> (m, K)``; rows sum to 1."""

    def tensors(self) -> dict[str, Tensor]:
        """What is saved."""

    def settings(self) -> dict[str, Any]:
        """JSON values beside the tensors."""


@dataclass(frozen=True)
class Ground:
    """A pool, and what methods derive from it whatever the labels; derived once."""

    pool: Pool

    @cached_property
    def graph(self) -> Graph:
        """Of all its samples."""
        return Graph.of(self.pool)

    def with_labels(self, pool: Pool) -> Ground:
        """The ground of the same samples with other labels, which keeps what does not depend on them."""
        ground = Ground(pool)
        for name in ("features", "standardiser", "unit"):
            pool.__dict__[name] = getattr(self.pool, name)
        ground.__dict__["graph"] = self.graph
        return ground


Fit: TypeAlias = Callable[[Ground, NDArray[np.int64]], Rule]
"""From labels ``(n,)``, -1 where they are not to be known, to a rule."""

SELF_TRAINING = "self-training"


def _propagation(on: Ground, labels: NDArray[np.int64]) -> Propagation:
    return Propagation.fit(on.pool, labels, on.graph)


METHODS: Mapping[str, Fit] = {
    "propagation": _propagation,
    "prototype": lambda on, labels: fit_prototype(on.pool, labels),
    "linear": lambda on, labels: fit_linear(on.pool, labels, unit=False),
    "linear-unit": lambda on, labels: fit_linear(on.pool, labels, unit=True),
    SELF_TRAINING: lambda on, labels: fit_self_training(
        on.pool, labels, _propagation(on, labels).shares(on.pool.vectors)
    ),
}
"""In the order in which they are preferred where nothing tells them apart."""

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "auto": tuple(name for name in METHODS if name != SELF_TRAINING),
    "linear": ("linear", "linear-unit"),
    "propagation": ("propagation",),
    "prototype": ("prototype",),
    SELF_TRAINING: (SELF_TRAINING,),
}
"""What may be asked for, and what is tried for it; whether features are standardised or at unit length is
tried, not asked. Self-training takes several times as long as the others, so it is not tried unasked."""

FINETUNE = "finetune"
"""Not of vectors as they are: the encoder itself is trained on."""

EQUAL_PRIORS = frozenset({"propagation", "prototype"})
"""Methods of which the shares are as if all classes were equally common."""


def fit_rule(ground: Ground, method: str) -> Rule:
    """A method's rule from all labelled samples."""
    return METHODS[method](ground, ground.pool.labels)


def out_of_fold(
    pool: Pool,
    rows: NDArray[np.int64],
    fold: NDArray[np.int64],
    fit: Callable[[NDArray[np.int64]], Rule],
    fewest: int = 1,
) -> NDArray[np.float32]:
    """``(len(rows), K)``: class shares of labelled samples by rules that did not know their fold's labels.

    Args:
        pool: the samples.
        rows: the labelled ones.
        fold: ``(len(rows),)`` their folds.
        fit: from labels ``(n,)``, -1 where they are not to be known, to a rule.
        fewest: classes that must be left to learn from; with fewer, a fold is told nothing: equal shares.
    """
    shares = np.full((len(rows), pool.classes), 1.0 / pool.classes, np.float32)
    for each in range(int(fold.max()) + 1):
        held = rows[fold == each]
        labels = pool.labels.copy()
        labels[held] = UNLABELLED
        if len(held) and len(np.unique(labels[labels != UNLABELLED])) >= fewest:
            shares[fold == each] = fit(labels).shares(pool.vectors[held])
    return shares


def read_rule(method: str, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Rule:
    """The rule that a method's saved tensors describe."""
    return (Propagation if method == "propagation" else Affine).of(tensors, settings)
