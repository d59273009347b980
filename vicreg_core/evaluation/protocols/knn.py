"""The protocol ``knn``: what the geometry of the features says without any training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vicreg_core.classifiers.knn import HEADLINE_K, K_GRID, TEMPERATURE, knn_probabilities
from vicreg_core.evaluation.metrics.classification import score_classification
from vicreg_core.evaluation.subjects.subject import Subject


@dataclass(frozen=True, slots=True)
class WeightedKNN:
    """The protocol ``knn``."""

    config: None = None
    needs_labels: bool = True

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """Scores at ``k = 20``, or all training samples if fewer, and the accuracy of each ``k``."""
        train, test = subject.labelled()
        headline = min(HEADLINE_K, len(train.labels))
        ks = sorted({headline, *(k for k in K_GRID if k <= len(train.labels))})
        by_k = knn_probabilities(
            train.vectors, train.labels, test.vectors, len(subject.classes), ks=ks, device=subject.device
        )
        result = score_classification(
            test.labels, by_k[headline], subject.classes, groups=test.groups, seed=subject.seed
        )
        accuracies = {str(k): float((p.argmax(axis=1) == test.labels).mean()) for k, p in by_k.items()}
        return result | {
            "n_train": len(train.labels),
            "k": headline,
            "temperature": TEMPERATURE,
            "accuracy_by_k": accuracies,
        }
