"""The protocol ``linear``: how well a linear classifier reads the labels off frozen features."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vicreg_core.classifiers.linear import linear_probe
from vicreg_core.classifiers.priors import equal_priors
from vicreg_core.evaluation.metrics.classification import headline, score_classification
from vicreg_core.evaluation.protocols.config import LinearConfig
from vicreg_core.evaluation.subjects.subject import Subject


@dataclass(frozen=True, slots=True)
class LinearProbe:
    """The protocol ``linear``."""

    config: LinearConfig = field(default_factory=LinearConfig)
    needs_labels: bool = True

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """Scores on the test samples, the ``C`` chosen, and a leakage check where there are groups."""
        train, test = subject.labelled()
        outcome = linear_probe(
            train.vectors,
            train.labels,
            test.vectors,
            len(subject.classes),
            groups=train.groups,
            standardise=not subject.standardised,
            seed=subject.seed,
            device=subject.device,
        )
        shares = outcome.probabilities
        if self.config.balanced:
            shares = equal_priors(shares, train.labels)
        result = score_classification(
            test.labels, shares, subject.classes, groups=test.groups, seed=subject.seed
        )
        tried = outcome.classifier.cross_validated
        result |= {
            "metric": headline(balanced=self.config.balanced),
            "n_train": len(train.labels),
            "c": outcome.classifier.c,
            "cross_validated_accuracy": {f"{c:g}": score for c, score in tried.items()},
        }
        if outcome.accuracy_groups_ignored is not None:
            result["leakage"] = {
                "accuracy_groups_apart": tried[outcome.classifier.c],
                "accuracy_groups_ignored": outcome.accuracy_groups_ignored,
            }
        return result
