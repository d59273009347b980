"""What is evaluated: the encoder first, then its floors, each as the features of the same samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.contracts import UNLABELLED, Augmentation, DatasetAdapter, Encoder
from vicreg_core.data.draw import draw
from vicreg_core.data.labelled import labelled
from vicreg_core.errors import DataError
from vicreg_core.evaluation.subjects.floors import (
    CALIBRATION_SAMPLES,
    RAW_FEATURES,
    calibrate_batch_norm,
    floor_vectors,
    has_batch_norm,
    prepare_raw,
)
from vicreg_core.evaluation.subjects.subject import CPU, Corrupted, Features, Subject
from vicreg_core.evaluation.supervised.finetuner import Cost, Trainable
from vicreg_core.inference.cache import FeatureCache, model_digest
from vicreg_core.inference.embedder import Embedder, Workers
from vicreg_core.training.projector import Project

RANDOM_ENCODER = "random_encoder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The samples and the means that every subject of one evaluation shares.

    Attributes:
        train: samples a classifier learns from, those of them that have labels.
        test: samples it is scored on, all labelled or none; or ``None``.
        augmentation: makes the evaluation view.
        seed: of every random choice.
        device: where to compute.
        workers: loader processes for per-file data.
        cache: folder where vectors are kept from one evaluation to the next, or ``None``.
        made_by: JSON values that determine the evaluation view, for the cache's key.
        cost: of the run that trained the encoder; ``None`` rules training with labels out.
        say: told what is being trained.
        projector: opens the trained encoder's projector; gives ``None`` where there is none.
    """

    train: DatasetAdapter
    test: DatasetAdapter | None
    augmentation: Augmentation
    seed: int = 0
    device: torch.device = CPU
    workers: Workers = "auto"
    cache: Path | None = None
    made_by: Mapping[str, Any] = field(default_factory=dict)
    cost: Cost | None = None
    say: Callable[[str], None] = lambda _: None
    projector: Callable[[], Project | None] = lambda: None

    def __post_init__(self) -> None:
        for data in filter(None, (self.train, self.test)):
            _check_labels(data)
        if self.test is not None and list(self.test.classes) != list(self.train.classes):
            raise DataError(
                "the training and test samples have different classes: "
                f"{_some(self.train.classes)} against {_some(self.test.classes)}"
            )

    def encoder(self, name: str, encoder: Encoder, remarks: Mapping[str, Any] | None = None) -> Subject:
        """An encoder's representations."""
        embedder = self._embedder(encoder, cached=True)

        def views(samples: int, count: int) -> NDArray[np.float32]:
            return embedder.embed_views(self.train, draw(self.train, samples, self.seed), count, self.seed)

        def corrupted(samples: int) -> Corrupted:
            if self.test is None:
                raise ValueError("there are no test samples to corrupt")
            rows = draw(self.test, samples, self.seed)
            return Corrupted(rows, embedder.embed_corrupted(self.test, rows, self.seed))

        return Subject(
            name=name,
            train=_features(self.train, embedder.embed(self.train)),
            test=None if self.test is None else _features(self.test, embedder.embed(self.test)),
            classes=self.train.classes,
            seed=self.seed,
            device=self.device,
            remarks=remarks or {},
            encode=embedder.encode,
            views=views,
            projector=self.projector if name == "encoder" else lambda: None,
            corruptions=self.augmentation.corruptions,
            corrupted=corrupted,
            trainable=self._trainable(encoder),
        )

    def untrained(self, build: Callable[[], Encoder]) -> Subject:
        """An untrained encoder's representations, its batch norm given the statistics of the data."""
        encoder, remarks = build(), dict[str, Any]()
        if has_batch_norm(encoder):
            rows = draw(self.train, CALIBRATION_SAMPLES, self.seed)
            calibrate_batch_norm(encoder, self._embedder(encoder, cached=False).batches(self.train, rows))
            remarks["batch_norm_calibrated_on"] = len(rows)
        return self.encoder(RANDOM_ENCODER, encoder, remarks)

    def floors(self) -> Iterator[Subject]:
        """The features without learning that the dataset offers, one at a time."""
        for name in self.train.floors():
            if (subject := self.floor(name)) is not None:
                yield subject

    def floor(self, name: str = RAW_FEATURES) -> Subject | None:
        """One of the dataset's floors, by default its raw features; ``None`` where it has none such."""
        train = floor_vectors(self.train, np.arange(len(self.train)), name)
        test = None if self.test is None else floor_vectors(self.test, np.arange(len(self.test)), name)
        if train is None or (self.test is not None and test is None):
            return None
        remarks: dict[str, float] = {}
        if not self.train.floors()[name].cosines:
            train, test, remarks = prepare_raw(train, test, self.device)
        return Subject(
            name=name,
            train=_features(self.train, train),
            test=None if self.test is None or test is None else _features(self.test, test),
            classes=self.train.classes,
            seed=self.seed,
            device=self.device,
            remarks=remarks,
        )

    def _trainable(self, encoder: Encoder) -> Trainable | None:
        if self.cost is None or self.test is None or self.train.labels is None or self.test.labels is None:
            return None
        return Trainable(
            encoder=encoder,
            train=labelled(self.train),
            test=self.test,
            augmentation=self.augmentation,
            cost=self.cost,
            seed=self.seed,
            device=self.device,
            workers=self.workers,
            say=self.say,
        )

    def _embedder(self, encoder: Encoder, *, cached: bool) -> Embedder:
        cache = None
        if cached and self.cache is not None:
            cache = FeatureCache(self.cache, model_digest(encoder, self.made_by))
        return Embedder(encoder, self.augmentation, device=self.device, workers=self.workers, cache=cache)


def _features(data: DatasetAdapter, vectors: NDArray[np.float32]) -> Features:
    return Features(
        ids=data.ids, vectors=vectors, labels=data.labels, groups=data.groups, metadata=data.metadata
    )


def _check_labels(data: DatasetAdapter) -> None:
    labels = data.labels
    if labels is not None and (labels.min() < UNLABELLED or labels.max() >= len(data.classes)):
        raise DataError(
            f"labels of {type(data).__name__} range from {labels.min()} to {labels.max()}, but it names "
            f"{len(data.classes)} classes; expected indices into them, or -1"
        )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:8]))
    return f"{shown}, ... ({len(names)})" if len(names) > 8 else shown or "none"
