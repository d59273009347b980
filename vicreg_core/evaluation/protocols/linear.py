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
        """Scores on the test samples, the choices made, and a leakage check where there are groups."""
        train, test = subject.labelled()
        outcome = linear_probe(
            train.vectors,
            train.labels,
            test.vectors,
            len(subject.classes),
            groups=train.groups,
            seed=subject.seed,
            device=subject.device,
        )
        shares = outcome.probabilities
        if self.config.balanced:
            shares = equal_priors(shares, train.labels)
        result = score_classification(
            test.labels, shares, subject.classes, groups=test.groups, seed=subject.seed
        )
        chosen = outcome.classifier
        result |= {
            "metric": headline(balanced=self.config.balanced),
            "n_train": len(train.labels),
            "preparation": chosen.way,
            "c": chosen.c,
            "cross_validated_log_loss": {
                way: {f"{c:g}": held_out.log_loss for c, held_out in by_c.items()}
                for way, by_c in chosen.cross_validated.items()
            },
        }
        return result | ({} if outcome.leakage is None else {"leakage": outcome.leakage})
