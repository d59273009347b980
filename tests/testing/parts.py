"""A small modality whose components keep every promise, and one variant of each that breaks one."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from vicreg_core.contracts import Augmentation, DataInfo, DatasetAdapter, Encoder
from vicreg_core.contracts.severity import strength
from vicreg_core.objectives.base import Objective, Terms
from vicreg_core.objectives.vicreg import VICRegLoss
from vicreg_core.recipes.schema import StrictModel

N, DIM = 96, 6


class Options(StrictModel):
    """The keys of the dataset."""

    rows: int = N


class Points(DatasetAdapter):
    """Gaussian points, in memory."""

    in_memory = True
    classes = ("a", "b")

    def __init__(self, options: Any = None, split: str = "train") -> None:
        n = options.rows if options else N
        self.points = torch.from_numpy(np.random.default_rng(0).normal(size=(n, DIM)).astype(np.float32))
        self.ids: Any = [f"p{i}" for i in range(n)]
        self.labels: Any = np.arange(n, dtype=np.int64) % 2
        self.info = DataInfo({"dim": DIM})

    def __getitem__(self, index):
        return self.points[index]

    def __getitems__(self, indices):
        return self.points[np.asarray(indices)]

    def raw_features(self, indices):
        return self.points[indices].numpy()


def read_points(options: Options, split: str) -> Points | None:
    return Points(options, split) if split == "train" else None


class Noise(Augmentation):
    """Keyed noise."""

    corruptions: ClassVar = {"noise": "more of it"}

    def __init__(self, options: Any = None, info: DataInfo | None = None) -> None:
        super().__init__()

    def forward(self, batch, keys=None):
        return batch if keys is None else batch + 0.2 * keys.normal("noise", batch.shape[1])

    def corrupt(self, batch, name, severity, keys):
        amount = strength({"noise": (0.5, 1, 2, 3, 4)}, name, severity)
        return batch + amount * keys.normal(name, batch.shape[1])


class Net(Encoder):
    """A perceptron with every kind of layer whose training mode may differ."""

    embedding_dim = 16

    def __init__(self, options: Any = None, info: DataInfo | None = None) -> None:
        super().__init__()
        self.first, self.norm = nn.Linear(DIM, 32), nn.BatchNorm1d(32)
        self.drop, self.last = nn.Dropout(0.1), nn.Linear(32, 16)

    def forward(self, batch):
        return self.last(self.drop(torch.relu(self.norm(self.first(batch)))))


class Agreement(Objective):
    """VICReg, as a plugin's own objective."""

    def __init__(self, options: Any = None) -> None:
        super().__init__()
        self.vicreg = VICRegLoss()

    def terms(self, embeddings):
        return Terms(self.vicreg(embeddings))


class SpreadOptions(StrictModel):
    """The keys of the protocol."""

    scale: float = 1.0


class Spread:
    """Mean distance of the training samples from the origin; needs no labels."""

    needs_labels: Any = False

    def __init__(self, options: Any = None) -> None:
        self.options = options or SpreadOptions()

    def __call__(self, subject):
        lengths = np.linalg.norm(subject.train.vectors, axis=1)
        spread = self.options.scale * float(lengths.mean())
        return {"metric": "spread", "spread": spread, "interval": None, "n": len(lengths)}
