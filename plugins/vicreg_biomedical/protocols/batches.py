"""Protocols that see through plates: how much of a score is biology and how much is the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_biomedical.protocols.columns import Population, population
from vicreg_biomedical.protocols.correction import CORRECTIONS
from vicreg_core.classifiers.folds import assign_folds
from vicreg_core.classifiers.linear import LinearProbeOutcome, linear_probe
from vicreg_core.classifiers.priors import equal_priors
from vicreg_core.evaluation.metrics.classification import score_classification
from vicreg_core.evaluation.protocols.config import LinearConfig
from vicreg_core.evaluation.protocols.linear import LinearProbe
from vicreg_core.evaluation.subjects.subject import Subject

MOST_FOLDS = 5
HEADLINE = ("balanced_accuracy", "balanced_accuracy_interval", "accuracy", "auroc", "auroc_interval", "n")


def _probe(
    subject: Subject,
    train: NDArray[np.float32],
    labels: NDArray[np.int64],
    test: NDArray[np.float32],
    groups: NDArray[Any] | None = None,
) -> LinearProbeOutcome:
    return linear_probe(
        train,
        labels,
        test,
        len(subject.classes),
        groups=groups,
        seed=subject.seed,
        device=subject.device,
    )


def _across_folds(cells: Population, fold: NDArray[np.int64], subject: Subject) -> dict[str, Any]:
    """Scores of predictions for each fold by a probe fitted on the others."""
    shares = np.zeros((len(cells.labels), len(subject.classes)), np.float32)
    for number in np.unique(fold):
        held = fold == number
        outcome = _probe(subject, cells.vectors[~held], cells.labels[~held], cells.vectors[held])
        shares[held] = equal_priors(outcome.probabilities, cells.labels[~held])
    scores = score_classification(
        cells.labels, shares, subject.classes, groups=cells.batches, seed=subject.seed
    )
    return {key: scores[key] for key in HEADLINE if key in scores}


def _group_folds(cells: Population) -> NDArray[np.int64]:
    """A fold a group; of more groups than :data:`MOST_FOLDS`, several groups a fold."""
    _, group = np.unique(cells.batches, return_inverse=True)
    return group % MOST_FOLDS if group.max() >= MOST_FOLDS else group


@dataclass(frozen=True, slots=True)
class LeaveGroupOut:
    """The protocol ``leave-group-out``: a linear probe scored on plates it did not see."""

    needs_labels: bool = True

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """Scores with groups held out, and what folds that ignore groups would have claimed."""
        cells = population(subject, "leave-group-out")
        fold = _group_folds(cells)
        naive = assign_folds(cells.labels, None, int(fold.max()) + 1, subject.seed)
        result = _across_folds(cells, fold, subject)
        ignored = _across_folds(cells, naive, subject)
        return result | {
            "metric": "balanced_accuracy",
            "groups": len(np.unique(cells.batches)),
            "groups_ignored": ignored,
            "gap": ignored["balanced_accuracy"] - result["balanced_accuracy"],
        }


@dataclass(frozen=True, slots=True)
class BatchCorrection:
    """The protocol ``batch-correction``: leave-group-out of corrected vectors beside the uncorrected."""

    needs_labels: bool = True

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """The score after centre-scale, and that of every correction beside the uncorrected."""
        cells = population(subject, "batch-correction")
        fold = _group_folds(cells)
        scores = {"uncorrected": _across_folds(cells, fold, subject)}
        for name, correct in CORRECTIONS.items():
            scores[name] = _across_folds(cells._replace(vectors=correct(cells)), fold, subject)
        return {
            "metric": "balanced_accuracy",
            "balanced_accuracy": scores["centre_scale"]["balanced_accuracy"],
            "n": len(cells.labels),
            "reference": "all cells of a batch" if cells.controls is None else "the control cells of a batch",
            "corrections": scores,
        }


@dataclass(frozen=True, slots=True)
class NotSameBatch:
    """The protocol ``not-same-batch``: the nearest neighbour from another plate (Ando et al., 2017)."""

    needs_labels: bool = True

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """Accuracy of the neighbour from another batch, and of the neighbour from anywhere."""
        cells = population(subject, "not-same-batch")
        vectors = torch.nn.functional.normalize(torch.from_numpy(cells.vectors).to(subject.device), dim=1)
        _, batch = np.unique(cells.batches, return_inverse=True)
        batches = torch.from_numpy(batch).to(subject.device)
        anywhere, elsewhere = [], []
        for rows in torch.arange(len(vectors), device=subject.device).split(1024):
            similarity = vectors[rows] @ vectors.T
            similarity[torch.arange(len(rows), device=subject.device), rows] = -torch.inf
            anywhere.append(similarity.argmax(dim=1).cpu().numpy())
            similarity[batches[rows][:, None] == batches[None]] = -torch.inf
            elsewhere.append(similarity.argmax(dim=1).cpu().numpy())
        result: dict[str, float] = {}
        for name, found in (("", elsewhere), ("_same_batch_allowed", anywhere)):
            right = cells.labels[np.concatenate(found)] == cells.labels
            recalls = [right[cells.labels == k].mean() for k in np.unique(cells.labels)]
            result |= {
                f"accuracy{name}": float(right.mean()),
                f"balanced_accuracy{name}": float(np.mean(recalls)),
            }
        return {"metric": "balanced_accuracy", "n": len(cells.labels), **result}


def build_balanced_linear(config: object) -> LinearProbe:
    """The protocol ``biomedical/balanced-linear``: ``linear`` with ``balanced: true``."""
    return LinearProbe(LinearConfig(balanced=True))


def build_leave_group_out(config: object) -> LeaveGroupOut:
    """The protocol ``biomedical/leave-group-out``."""
    return LeaveGroupOut()


def build_batch_correction(config: object) -> BatchCorrection:
    """The protocol ``biomedical/batch-correction``."""
    return BatchCorrection()


def build_not_same_batch(config: object) -> NotSameBatch:
    """The protocol ``biomedical/not-same-batch``."""
    return NotSameBatch()
