"""What an evaluation protocol is given: features of the samples, and ways to make more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.contracts import UNLABELLED
from vicreg_core.inference.embedder import CorruptedBlock

if TYPE_CHECKING:
    from vicreg_core.evaluation.supervised.finetuner import Trainable
    from vicreg_core.training.projector import Project

CPU = torch.device("cpu")


class LabelledFeatures(NamedTuple):
    """Features whose labels are known to be there."""

    vectors: NDArray[np.float32]
    labels: NDArray[np.int64]
    groups: NDArray[Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """The feature vectors of some samples of a dataset.

    Attributes:
        ids: one id a sample.
        vectors: ``(n, D) float32``.
        labels: ``(n,) int64``, -1 where a sample has none; or ``None``.
        groups: ``(n,)``, or ``None``.
        metadata: the dataset's further columns of length ``n``, e.g. the well of a cell.
    """

    ids: Sequence[str] | NDArray[np.int64]
    vectors: NDArray[np.float32]
    labels: NDArray[np.int64] | None = None
    groups: NDArray[Any] | None = None
    metadata: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def labelled(self) -> LabelledFeatures:
        """Those of the samples that have a label.

        Raises:
            ValueError: there are no labels.
        """
        if self.labels is None:
            raise ValueError("these features have no labels")
        rows = self.labels != UNLABELLED
        if rows.all():
            return LabelledFeatures(self.vectors, self.labels, self.groups)
        groups = None if self.groups is None else np.asarray(self.groups)[rows]
        return LabelledFeatures(self.vectors[rows], self.labels[rows], groups)


class Corrupted(NamedTuple):
    """Test samples that are corrupted, and the vectors, which are made while they are iterated over."""

    rows: NDArray[np.int64]
    """``(m,)`` places of the samples among the test features."""
    blocks: Iterator[CorruptedBlock]
    """Every corruption at every severity, block by block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One thing to be scored: the trained encoder, or one of the floors beside it.

    Attributes:
        name: ``"encoder"``, ``"random_encoder"`` or ``"raw_features"``.
        train: features of training samples.
        test: features of held-out samples, or ``None`` where there are none.
        classes: names of the classes; empty for unlabelled data.
        seed: of every random choice of a protocol.
        device: where a protocol computes.
        remarks: what every result must say of how the features were made.
        encode: vectors ``(n, D) float32`` of items as ``Augmentation.ingest`` takes them; ``None`` for
            features that come from no encoder.
        views: ``views(n, V)`` gives ``(m, V, D) float32``, the vectors of ``V`` augmented views each of ``m``
            training samples, ``m`` at most ``n``; ``None`` as above.
        projector: opens what turns representations ``(n, D) float32`` into the projector's embeddings; gives
            ``None`` where there is none.
        corruptions: what the modality can do to samples: a line each by name.
        corrupted: ``corrupted(n)`` does each of these to at most ``n`` test samples; ``None`` as above.
        trainable: the encoder and its samples, for training copies of it with labels
            (:class:`~vicreg_core.evaluation.supervised.finetuner.Finetuner`); ``None`` where that is not
            possible.
    """

    name: str
    train: Features
    test: Features | None
    classes: Sequence[str]
    seed: int = 0
    device: torch.device = CPU
    remarks: Mapping[str, Any] = field(default_factory=dict)
    encode: Callable[[Sequence[Any]], NDArray[np.float32]] | None = None
    views: Callable[[int, int], NDArray[np.float32]] | None = None
    projector: Callable[[], Project | None] = lambda: None
    corruptions: Mapping[str, str] = field(default_factory=dict)
    corrupted: Callable[[int], Corrupted] | None = None
    trainable: Trainable | None = None

    def labelled(self) -> tuple[LabelledFeatures, LabelledFeatures]:
        """Training and test features with labels, for protocols that declare ``needs_labels``.

        Raises:
            ValueError: where there are no labels or no test samples.
        """
        test = self.test
        if test is None or self.train.labels is None or test.labels is None:
            raise ValueError(f"subject {self.name!r} has no labelled training and test samples")
        return self.train.labelled(), test.labelled()
