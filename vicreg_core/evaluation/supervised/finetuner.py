"""A network trained on some of the labels and scored on the test samples, as often as a protocol asks."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.contracts import Augmentation, DatasetAdapter, Encoder
from vicreg_core.data.holdout import holdout_split
from vicreg_core.data.subset import Subset
from vicreg_core.errors import TrainingFailed
from vicreg_core.evaluation.supervised.training import Schedule, class_probabilities, train_supervised
from vicreg_core.inference.embedder import Workers
from vicreg_core.models.precision import Precision

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
class Budget:
    """What training with labels may cost, and how it is done.

    Attributes:
        views: that pass through the encoder, at most; the same number as in the run is "the same budget".
        batch_size: views a step, at most.
        precision: of the forward pass.
        lr: highest learning rate; ``None``: the one of :data:`RATES` that does best on held-out labels.
        weight_decay: of matrices and filters.
        balanced: weigh the classes alike.
        draws: of each number of labels, where there are several.
    """

    views: int
    batch_size: int
    precision: Precision
    lr: float | None = None
    weight_decay: float = 0.05
    balanced: bool = False
    draws: int = 1

    def schedule(self, samples: int) -> Schedule:
        """For so many labelled samples: at most :data:`MOST_EPOCHS`, each of a few steps at least."""
        batch = min(self.batch_size, samples, max(_LEAST_BATCH, samples // _STEPS_AN_EPOCH))
        return Schedule(
            views=min(self.views, MOST_EPOCHS * samples),
            batch_size=batch,
            lr=self.lr or UNTUNED_RATE,
            weight_decay=self.weight_decay,
            balanced=self.balanced,
        )


class Finetuned(NamedTuple):
    """What a network trained on some of the labels gives."""

    probabilities: NDArray[np.float32]
    """``(m, K)`` of the test samples."""
    training: dict[str, Any]
    """How it was trained, as JSON values."""


class Finetuner:
    """Trains copies of one encoder on labelled samples; what was asked for before is not trained again.

    Args:
        encoder: the start of every training; it stays as it is.
        train: labelled samples.
        test: held-out samples of the same classes.
        augmentation: makes views.
        budget: what a training may cost.
        seed: of every random choice.
        device: where to compute.
        workers: loader processes for per-file data.
        say: told what is being trained.
    """

    def __init__(
        self,
        encoder: Encoder,
        train: DatasetAdapter,
        test: DatasetAdapter,
        augmentation: Augmentation,
        budget: Budget,
        *,
        seed: int = 0,
        device: torch.device | str = "cpu",
        workers: Workers = "auto",
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.encoder, self.train, self.test, self.augmentation = encoder, train, test, augmentation
        self.budget, self.seed, self.device, self.workers, self.say = budget, seed, device, workers, say
        self._made: dict[bytes, Finetuned] = {}

    def __call__(self, rows: NDArray[np.int64]) -> Finetuned:
        """Train on the training samples at ``rows``, then score the test samples.

        Raises:
            TrainingFailed: the loss is no longer finite.
        """
        key = rows.tobytes()
        if key not in self._made:
            self._made[key] = self._make(Subset(self.train, rows))
        return self._made[key]

    def _make(self, data: DatasetAdapter) -> Finetuned:
        schedule, tried = self.budget.schedule(len(data)), dict[float, float]()
        self.say(f"training on {len(data):,} labels: {schedule.steps:,} steps of {schedule.batch_size}")
        if self.budget.lr is None and _can_hold_out(data):
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
        return Finetuned(self._fit(data, self.test, schedule), training)

    def _try_rates(self, data: DatasetAdapter) -> dict[float, float]:
        """Accuracy on labels held out of the training samples after a short training at each rate."""
        kept, held = (Subset(data, rows) for rows in holdout_split(data, _HELD_OUT, self.seed))
        full = self.budget.schedule(len(kept))
        scores = {}
        for rate in RATES:
            trial = replace(full, views=round(_TRIAL * full.views), lr=rate)
            try:
                predicted = self._fit(kept, held, trial).argmax(axis=1)
                scores[rate] = float((predicted == held.labels).mean())
            except TrainingFailed:
                scores[rate] = 0.0
        return scores

    def _fit(self, data: DatasetAdapter, test: DatasetAdapter, schedule: Schedule) -> NDArray[np.float32]:
        model = train_supervised(
            copy.deepcopy(self.encoder),
            data,
            self.augmentation,
            schedule,
            precision=self.budget.precision,
            seed=self.seed,
            device=self.device,
            workers=self.workers,
        )
        return class_probabilities(model, test, self.augmentation, workers=self.workers)


def _can_hold_out(data: DatasetAdapter) -> bool:
    if data.labels is None or np.unique(data.labels, return_counts=True)[1].min() < _LEAST_PER_CLASS:
        return False
    return data.groups is None or len(np.unique(data.groups)) >= _LEAST_GROUPS
