"""The protocol ``robustness``: what is left of an accuracy where samples come in a worse state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.classifiers.linear import TunedClassifier, fit_tuned
from vicreg_core.classifiers.preparation import preparations
from vicreg_core.contracts.severity import SEVERITIES
from vicreg_core.evaluation.metrics.bootstrap import bootstrap_mean
from vicreg_core.evaluation.subjects.subject import LabelledFeatures, Subject

MAX_SAMPLES = 1000
"""Most test samples corrupted: each is encoded anew for every corruption and severity."""

Predict = Callable[[NDArray[np.float32]], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Robustness:
    """The protocol ``robustness``.

    A linear probe, its penalty cross-validated, learns from the vectors of clean training samples, as in
    protocol ``linear``, and then meets test samples as :meth:`~vicreg_core.contracts.Augmentation.corrupt`
    leaves them. The idea is that of Hendrycks and Dietterich, arXiv:1903.12261; accuracies are not
    normalised by those of a reference model, so that the floor beside each keeps its meaning.
    """

    config: None = None
    needs_labels: bool = True

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """One row a corruption, after one for their mean: the mean accuracy over the severities.

        Intervals are the bootstrap's over test samples, or over whole groups where there are groups; a sample
        is drawn with all that was done to it.
        """
        if subject.corrupted is None:
            return {"skipped": "these features do not come from an encoder that could be given other samples"}
        if not subject.corruptions:
            return {"skipped": "the recipe's augmentation offers no corruptions"}
        train, test = subject.labelled()
        predict = _fit(subject, train)
        rows, blocks = subject.corrupted(MAX_SAMPLES)
        labels = test.labels[rows]
        right = {name: np.empty((len(rows), len(SEVERITIES)), dtype=bool) for name in subject.corruptions}
        for block in blocks:
            answer = predict(block.vectors) == labels[block.place]
            right[block.corruption][block.place, SEVERITIES.index(block.severity)] = answer
        clean = float((predict(test.vectors[rows]) == labels).mean())
        found = list(_rows(right, clean, None if test.groups is None else test.groups[rows], subject))
        return {
            "rows": found,
            "n": len(rows),
            "n_train": len(train.labels),
            "clean": clean,
            "severities": list(SEVERITIES),
            "summary": _summary(found),
        }


def _fit(subject: Subject, train: LabelledFeatures) -> Predict:
    """A linear probe of the training samples."""
    features = torch.from_numpy(train.vectors).to(subject.device)
    labels = torch.from_numpy(train.labels).to(subject.device)
    fitted: TunedClassifier = fit_tuned(
        features,
        labels,
        len(subject.classes),
        ways=preparations(features),
        groups=train.groups,
        seed=subject.seed,
    )

    def predict(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
        predicted: NDArray[np.int64] = (
            fitted.predict(torch.from_numpy(vectors).to(subject.device)).cpu().numpy()
        )
        return predicted

    return predict


def _rows(
    right: Mapping[str, NDArray[np.bool_]], clean: float, groups: NDArray[Any] | None, subject: Subject
) -> Iterator[dict[str, Any]]:
    mean = np.mean(list(right.values()), axis=0)
    summaries = {"mean": "all corruptions", **subject.corruptions}
    for name, answers in {"mean": mean, **right}.items():
        of_sample = answers.mean(axis=1)
        yield {
            "name": name,
            "summary": summaries[name],
            "metric": "accuracy",
            "accuracy": float(of_sample.mean()),
            "interval": bootstrap_mean(of_sample, groups, subject.seed),
            "clean": clean,
            "by_severity": answers.mean(axis=0).round(6).tolist(),
            "n": len(of_sample),
        }


def _summary(rows: list[dict[str, Any]]) -> str:
    mean, *each = rows
    hardest = min(each, key=lambda row: row["accuracy"])
    return (
        f"accuracy {mean['clean']:.3f} on clean samples, {mean['accuracy']:.3f} over all corruptions; "
        f"{hardest['name']} costs most: {hardest['by_severity'][0]:.3f} at severity 1, "
        f"{hardest['by_severity'][-1]:.3f} at severity 5"
    )
