"""The protocol ``retrieval``: test samples look for training samples of their class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vicreg_core.evaluation.metrics.bootstrap import bootstrap_mean
from vicreg_core.evaluation.metrics.retrieval import PRECISION_AT, retrieve
from vicreg_core.evaluation.subjects.subject import Subject


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The protocol ``retrieval``: test samples look for training samples of their class."""

    config: None = None
    needs_labels: bool = True

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """Mean average precision with its bootstrap interval over queries, and precision at a few depths."""
        train, test = subject.labelled()
        if not np.isin(test.labels, train.labels).any():
            return {"skipped": "no class of the test samples occurs among the training samples"}
        at = [k for k in PRECISION_AT if k <= len(train.labels)]
        scores = retrieve(
            test.vectors, test.labels, train.vectors, train.labels, at=at, device=subject.device
        )
        groups = None if test.groups is None else test.groups[scores.queries]
        return {
            "metric": "map",
            "map": float(scores.average_precision.mean()),
            "interval": bootstrap_mean(scores.average_precision, groups, subject.seed),
            "precision_at": {
                str(k): float(v) for k, v in zip(at, scores.precision.mean(axis=0), strict=True)
            },
            "n": len(scores.queries),
            "n_gallery": len(train.labels),
        }
