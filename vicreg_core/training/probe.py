"""The online probe: nearest neighbours on labelled training samples, scored while training goes on.

It only looks: the encoder is called in evaluation mode without gradients, and nothing of the run depends on
it. No test sample is touched: what it classifies is a held share of the *training* samples, whose labels
training never sees.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import torch

from vicreg_core.classifiers.knn import HEADLINE_K, knn_probabilities
from vicreg_core.contracts import Augmentation, DatasetAdapter, Encoder
from vicreg_core.data.draw import limited
from vicreg_core.data.holdout import holdout_split
from vicreg_core.data.labelled import labelled
from vicreg_core.data.subset import Subset
from vicreg_core.inference.embedder import Embedder
from vicreg_core.models.precision import Precision
from vicreg_core.recipes.schema import Recipe

HELD_OUT = 0.25
"""Share of the probe's samples that are classified by their neighbours among the others."""

EmbedderOf: TypeAlias = Callable[[Encoder], Embedder]


class ProbeScore(NamedTuple):
    """One score of the probe."""

    accuracy: float
    """Share of the held samples whose class their nearest neighbours vote for."""
    chance: float
    """Share of the largest class among the held samples."""
    n: int
    """Number of held samples."""


class OnlineProbe:
    """Scores an encoder on a fixed split of samples; whole groups are held out where there are groups.

    Args:
        samples: the labelled samples it draws upon, few enough to embed now and then.
        seed: of the split.
        times: how often in a run it is scored.
        embedder: how an encoder's vectors are made.

    Raises:
        DataError: the samples are of one group, or too few to hold any out.
    """

    def __init__(self, samples: DatasetAdapter, seed: int, times: int, embedder: EmbedderOf) -> None:
        if samples.labels is None:
            raise ValueError("the online probe needs labelled samples")
        kept, held = holdout_split(samples, HELD_OUT, seed)
        self.bank, self.held = Subset(samples, kept), Subset(samples, held)
        self.bank_labels, self.held_labels = samples.labels[kept], samples.labels[held]
        self.classes, self.times, self.embedder = len(samples.classes), times, embedder

    def is_due(self, step: int, previous: int, total: int) -> bool:
        """Whether of two logged steps in a row the later is the first in another of the run's equal parts."""
        return step * self.times // total > previous * self.times // total

    def __call__(self, encoder: Encoder) -> ProbeScore:
        """The kNN accuracy of an encoder, which is left as it was.

        Raises:
            DataError: the encoder gives NaN or infinity.
        """
        embedder = self.embedder(encoder)
        bank, held = embedder.embed(self.bank), embedder.embed(self.held)
        k = min(HEADLINE_K, len(bank))
        votes = knn_probabilities(
            bank, self.bank_labels, held, self.classes, ks=(k,), device=embedder.device
        )[k]
        largest = np.bincount(self.held_labels).max()
        right = votes.argmax(axis=1) == self.held_labels
        return ProbeScore(float(right.mean()), float(largest / len(right)), len(right))


def build_probe(
    recipe: Recipe,
    data: DatasetAdapter,
    augmentation: Augmentation,
    device: torch.device,
    precision: Precision,
) -> OnlineProbe | None:
    """The probe of a recipe's training samples; ``None`` where it is off or there are no labels to score by.

    Raises:
        DataError: the samples are of one group, or too few to hold any out.
    """
    section = recipe.monitor
    if not section.probes or data.labels is None or len(data.classes) < 2:
        return None

    def embedder(encoder: Encoder) -> Embedder:
        workers = recipe.data.workers
        return Embedder(encoder, augmentation, device=device, workers=workers, precision=precision)

    samples = limited(labelled(data), section.probe_samples, recipe.seed)
    return OnlineProbe(samples, recipe.seed, section.probes, embedder)
