"""Training with labels: an encoder and a linear classifier on it, end to end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vicreg_core.contracts import Augmentation, Batch, DatasetAdapter, Encoder
from vicreg_core.contracts.keys import Keys, hash_ids, mix_int, stream_id
from vicreg_core.data.batch import to_channels_last
from vicreg_core.data.loader import ViewLoader
from vicreg_core.data.sampler import Share, StepPlan
from vicreg_core.errors import TrainingFailed
from vicreg_core.inference.embedder import Embedder, Workers
from vicreg_core.models.precision import Precision
from vicreg_core.optim.build import build_optimizer
from vicreg_core.optim.schedules import learning_rate
from vicreg_core.recipes.schema import OptimizerSection

_CLIP = 1.0
"""Largest gradient norm: what keeps an untrained transformer from diverging in its first steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long and how fast a network is trained.

    Attributes:
        views: augmented samples that pass through the encoder.
        batch_size: of them a step; no more than there are samples.
        lr: highest learning rate of AdamW, after a warm-up over a tenth of the steps and before a cosine.
        weight_decay: of matrices and filters.
        balanced: weigh each class in the cross-entropy as if all had as many samples.
    """

    views: int
    batch_size: int
    lr: float
    weight_decay: float = 0.05
    balanced: bool = False

    @property
    def steps(self) -> int:
        """Optimiser steps, at least one."""
        return max(1, self.views // self.batch_size)


class Head(NamedTuple):
    """A linear classifier of vectors."""

    weight: Tensor
    """``(K, D)``."""
    bias: Tensor
    """``(K,)``."""


class Classifier(nn.Module):
    """An encoder and a linear classifier, which starts from another or from zero, with no class favoured."""

    def __init__(self, encoder: Encoder, classes: int, head: Head | None = None) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.embedding_dim, classes)
        with torch.no_grad():
            self.head.weight.copy_(torch.zeros(1) if head is None else head.weight)
            self.head.bias.copy_(torch.zeros(1) if head is None else head.bias)

    def forward(self, batch: Batch) -> Tensor:
        """Logits ``(B, classes)``."""
        logits: Tensor = self.head(self.encoder(batch))
        return logits


class _OneView(Share):
    """Keys for one view a sample: of the first kind in even epochs and of the second in odd ones.

    An asymmetric augmentation makes views of two kinds; a network trained on one of them alone would be a
    weaker floor.
    """

    def keys(self, step: int, view: int) -> Keys:
        return super().keys(step, self.plan.epoch(step) % 2)


def train_supervised(
    encoder: Encoder,
    data: DatasetAdapter,
    augmentation: Augmentation,
    schedule: Schedule,
    *,
    precision: Precision,
    seed: int = 0,
    device: torch.device | str = "cpu",
    workers: Workers = "auto",
    head: Head | None = None,
) -> Classifier:
    """Train an encoder, in place, and a linear classifier on it by cross-entropy.

    Order, views and dropout hang on the seed and the samples' ids alone.

    Args:
        encoder: trained weights to fine-tune, or random ones to train from scratch.
        data: labelled samples.
        augmentation: makes one random view of a sample each time it is visited.
        schedule: how long and how fast.
        precision: of the forward pass; float32 where the encoder is not sound in it.
        seed: of every random choice.
        device: where to compute.
        workers: loader processes for per-file data.
        head: the linear classifier to start from; ``None``: zero.

    Raises:
        ValueError: the data has no labels.
        TrainingFailed: the loss is no longer finite.
    """
    if data.labels is None:
        raise ValueError("train_supervised() needs labelled data")
    device, labels = torch.device(device), torch.from_numpy(data.labels)
    share = _OneView(StepPlan(len(data), schedule.batch_size, seed), hash_ids(data.ids))
    loader = ViewLoader(data, augmentation, share, views=1, device=device, workers=workers)
    # Devices of a context are named, so that no generator of another one is touched or waited for.
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        model = Classifier(encoder, len(data.classes), head).to(device).train()
        weights = _class_weights(data, schedule).to(device)
        learner = _Learner(model, schedule, precision.sound_for(model), weights)
        for step, (view,) in enumerate(loader(0, schedule.steps)):
            torch.manual_seed(mix_int(seed, stream_id("supervised"), step))
            rows = torch.from_numpy(share.indices(step))
            learner.step(step, view, labels[rows].to(device))
    return model.eval()


def class_probabilities(
    model: Classifier, data: DatasetAdapter, augmentation: Augmentation, *, workers: Workers = "auto"
) -> NDArray[np.float32]:
    """The probabilities ``(n, K) float32`` that a classifier gives to the evaluation views of samples."""
    embedder = Embedder(model.encoder, augmentation, device=model.head.weight.device, workers=workers)
    vectors = torch.from_numpy(embedder.embed(data))
    with torch.no_grad():
        logits = torch.nn.functional.linear(vectors, model.head.weight.cpu(), model.head.bias.cpu())
    probabilities: NDArray[np.float32] = logits.softmax(dim=1).numpy()
    return probabilities


class _Learner:
    """One model's optimiser and loss."""

    def __init__(
        self, model: Classifier, schedule: Schedule, precision: Precision, class_weights: Tensor
    ) -> None:
        self.model, self.schedule, self.precision = model, schedule, precision
        section = OptimizerSection(name="adamw", lr=schedule.lr, weight_decay=schedule.weight_decay)
        self.optimizer = build_optimizer(section, model)
        self.scaler = precision.scaler()
        self.loss = nn.CrossEntropyLoss(class_weights)
        if model.encoder.channels_last:
            model.to(memory_format=torch.channels_last)

    def step(self, step: int, view: Batch, labels: Tensor) -> None:
        """One optimiser step on the views of one batch."""
        schedule = self.schedule
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(step, schedule.steps, peak=schedule.lr)
        with self.precision.autocast():
            logits = self.model(to_channels_last(view) if self.model.encoder.channels_last else view)
        loss = self.loss(logits.float(), labels)
        if not math.isfinite(value := loss.item()):
            raise TrainingFailed(
                f"training with labels: the loss is {value} at step {step + 1:,} of {schedule.steps:,} "
                f"with a learning rate of {schedule.lr:g}; set a lower lr for training with labels"
            )
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.model.parameters(), _CLIP)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)


def _class_weights(data: DatasetAdapter, schedule: Schedule) -> Tensor:
    """``(K,) float32``: ones, or inverse to the classes' numbers of samples; 0 for a class without any."""
    classes = len(data.classes)
    if not schedule.balanced or data.labels is None:
        return torch.ones(classes)
    counts = np.bincount(data.labels, minlength=classes)
    weights = np.divide(len(data) / np.count_nonzero(counts), counts, out=np.zeros(classes), where=counts > 0)
    return torch.from_numpy(weights).float()
