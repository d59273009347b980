"""A network trained on some of the labels and scored on the test samples, as often as a protocol asks."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.contracts import Augmentation, DatasetAdapter, Encoder
from vicreg_core.data.holdout import holdout_split
from vicreg_core.data.subset import Subset
from vicreg_core.errors import TrainingFailed
from vicreg_core.evaluation.supervised.training import (
    Classifier,
    Head,
    Schedule,
    class_probabilities,
    train_supervised,
)
from vicreg_core.inference.embedder import Workers
from vicreg_core.models.precision import Precision
from vicreg_core.recipes.schema import LabelTraining

RATES = (1e-4, 5e-4, 2.5e-3)
"""Learning rates tried, lowest first."""

UNTUNED_RATE = 5e-4
"""The learning rate where there are too few labels to hold some out."""

MOST_EPOCHS = 200
"""No more passes over the labelled samples than this, however large the budget."""

_HELD_OUT = 0.2
_LEAST_PER_CLASS = 10
_LEAST_GROUPS = 5
_TRIAL = 0.25
_LEAST_BATCH = 16
_STEPS_AN_EPOCH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a training costs.

    Attributes:
        views: that pass through the encoder.
        batch_size: views a step, at most.
        precision: of the forward pass.
    """

    views: int
    batch_size: int
    precision: Precision


class Finetuned(NamedTuple):
    """What a network trained on some of the labels gives."""

    probabilities: NDArray[np.float32]
    """``(m, K)`` of the test samples."""
    training: dict[str, Any]
    """How it was trained, as JSON values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainable:
    """An encoder, and the samples that copies of it can be trained and scored on.

    Attributes:
        encoder: the start of every training; it stays as it is.
        train: labelled samples.
        test: held-out samples of the same classes.
        augmentation: makes views.
        cost: of the run that trained the encoder: the measure of what training with labels may cost.
        seed: of every random choice.
        device: where to compute.
        workers: loader processes for per-file data.
        say: told what is being trained.
        made: what was trained, which no protocol trains again.
        head: gives the linear classifier to start from, of the samples that are trained on; ``None``: zero.
    """

    encoder: Encoder
    train: DatasetAdapter
    test: DatasetAdapter
    augmentation: Augmentation
    cost: Cost
    seed: int = 0
    device: torch.device | str = "cpu"
    workers: Workers = "auto"
    say: Callable[[str], None] = lambda _: None
    made: dict[tuple[Any, ...], Finetuned] = field(default_factory=dict)
    head: Callable[[DatasetAdapter], Head] | None = None


@dataclass(frozen=True, slots=True)
class Finetuner:
    """Trains copies of one encoder on labelled samples; what was asked for before is not trained again.

    Attributes:
        of: the encoder and its samples.
        how: the share of the run's views to train on, the learning rate (``None``: the one of :data:`RATES`
            that does best on held-out labels) and the weight decay.
        balanced: weigh the classes alike.
    """

    of: Trainable
    how: LabelTraining
    balanced: bool = False

    def __call__(self, rows: NDArray[np.int64]) -> Finetuned:
        """Train on the training samples at ``rows``, then score the test samples.

        Raises:
            TrainingFailed: the loss is no longer finite.
        """
        key = (self.how.budget, self.how.lr, self.how.weight_decay, self.balanced, rows.tobytes())
        if key not in self.of.made:
            self.of.made[key] = self._make(Subset(self.of.train, rows))
        return self.of.made[key]

    def schedule(self, samples: int) -> Schedule:
        """For so many labelled samples: at most :data:`MOST_EPOCHS`, each of a few steps at least."""
        cost = self.of.cost
        views = max(1, round(self.how.budget * cost.views))
        return Schedule(
            views=min(views, MOST_EPOCHS * samples),
            batch_size=min(cost.batch_size, samples, max(_LEAST_BATCH, samples // _STEPS_AN_EPOCH)),
            lr=self.how.lr or UNTUNED_RATE,
            weight_decay=self.how.weight_decay,
            balanced=self.balanced,
        )

    def train(self, data: DatasetAdapter) -> tuple[Classifier, dict[str, Any]]:
        """A copy of the encoder with a classifier on it, trained on labelled samples; and how.

        Raises:
            TrainingFailed: the loss is no longer finite.
        """
        schedule, tried = self.schedule(len(data)), dict[float, float]()
        self.of.say(f"training on {len(data):,} labels: {schedule.steps:,} steps of {schedule.batch_size}")
        if self.how.lr is None and _can_hold_out(data):
            tried = self._try_rates(data)
            schedule = replace(schedule, lr=max(tried, key=lambda rate: (tried[rate], -rate)))
        training: dict[str, Any] = {
            "n_train": len(data),
            "views": schedule.steps * schedule.batch_size,
            "batch_size": schedule.batch_size,
            "lr": schedule.lr,
        }
        if tried:
            training["held_out_accuracy"] = {f"{rate:g}": score for rate, score in tried.items()}
        return self._trained(data, schedule), training

    def _make(self, data: DatasetAdapter) -> Finetuned:
        model, training = self.train(data)
        return Finetuned(self._probabilities(model, self.of.test), training)

    def _try_rates(self, data: DatasetAdapter) -> dict[float, float]:
        """Accuracy on labels held out of the training samples after a short training at each rate."""
        kept, held = (Subset(data, rows) for rows in holdout_split(data, _HELD_OUT, self.of.seed))
        full = self.schedule(len(kept))
        scores = {}
        for rate in RATES:
            trial = replace(full, views=round(_TRIAL * full.views), lr=rate)
            try:
                predicted = self._probabilities(self._trained(kept, trial), held).argmax(axis=1)
                scores[rate] = float((predicted == held.labels).mean())
            except TrainingFailed:
                scores[rate] = 0.0
        return scores

    def _trained(self, data: DatasetAdapter, schedule: Schedule) -> Classifier:
        return train_supervised(
            copy.deepcopy(self.of.encoder),
            data,
            self.of.augmentation,
            schedule,
            precision=self.of.cost.precision,
            seed=self.of.seed,
            device=self.of.device,
            workers=self.of.workers,
            head=None if self.of.head is None else self.of.head(data),
        )

    def _probabilities(self, model: Classifier, data: DatasetAdapter) -> NDArray[np.float32]:
        return class_probabilities(model, data, self.of.augmentation, workers=self.of.workers)


def _can_hold_out(data: DatasetAdapter) -> bool:
    if data.labels is None or np.unique(data.labels, return_counts=True)[1].min() < _LEAST_PER_CLASS:
        return False
    return data.groups is None or len(np.unique(data.groups)) >= _LEAST_GROUPS
