"""A modality small enough to read: points of a Gaussian mixture, noise as augmentation, an MLP as encoder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from vicreg_core.contracts import Augmentation, DataInfo, DatasetAdapter, Encoder
from vicreg_core.data.loader import ViewLoader
from vicreg_core.data.streams.plan import share_of
from vicreg_core.distributed import rank, world_size
from vicreg_core.models.joint_embedding import JointEmbedding
from vicreg_core.models.precision import resolve_precision
from vicreg_core.models.projector import build_projector
from vicreg_core.objectives.vicreg import VICRegLoss
from vicreg_core.recipes.schema import Recipe
from vicreg_core.runs.directory import RunDirectory
from vicreg_core.training.progress import Progress
from vicreg_core.training.supplies import prepare_objective
from vicreg_core.training.trainer import Trainer


class Mixture(DatasetAdapter):
    """``n`` points around four centres in eight dimensions, in memory."""

    in_memory = True
    info = DataInfo()
    classes = ("north", "east", "south", "west")

    def __init__(self, n: int = 64, poison: int | None = None) -> None:
        rng = np.random.default_rng(0)
        self.ids = np.arange(n)
        points = rng.normal(size=(4, 8))[self.ids % 4] * 3 + rng.normal(size=(n, 8))
        self.labels = np.where(self.ids % 5 == 0, -1, self.ids % 4)
        if poison is not None:
            points[poison] = np.nan
        self.points = torch.from_numpy(points).float()

    def __getitems__(self, indices):
        return self.points[torch.from_numpy(indices)]


class Noise(Augmentation):
    """Adds keyed Gaussian noise."""

    def forward(self, batch, keys=None):
        return batch if keys is None else batch + 0.3 * keys.normal("noise", batch.shape[1])

    def clean(self, batch):
        return batch


class MLP(Encoder):
    """One hidden layer with dropout, so that a resume that lost its generator state shows."""

    embedding_dim = 16

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(dropout), nn.Linear(32, 16)
        )

    @property
    def map_layers(self):
        return [self.layers[0], self.layers[2]]

    def forward(self, batch):
        return self.layers(batch)


def make_recipe(**sections) -> Recipe:
    """A recipe for ten steps; a section given here replaces the default's keys."""
    base = {
        "data": {"name": "toy/mixture"},
        "augmentation": {"name": "toy/noise"},
        "encoder": {"name": "toy/mlp"},
        "projector": {"dims": [32, 32]},
        "optimizer": {"name": "adamw", "lr": 1e-3, "scale_lr": False},
        "train": {"steps": 10, "batch_size": 16, "precision": "float32", "log_every": 2, "device": "cpu"},
        "monitor": {"window": 32},
    }
    merged = {name: {**base.get(name, {}), **sections.get(name, {})} for name in {*base, *sections}}
    return Recipe.model_validate(merged)


def make_trainer(
    folder,
    *,
    data: DatasetAdapter | None = None,
    objective=None,
    dropout: float = 0.1,
    build_encoder: Callable[[], Encoder] | None = None,
    **sections,
) -> Trainer:
    """A trainer of the toy into ``folder``, weights from a fixed seed, ready to ``fit`` or ``restore``.

    The projector takes the dtype of the encoder.
    """
    recipe, data = make_recipe(**sections), data or Mixture()
    folder.mkdir(exist_ok=True, parents=True)
    torch.manual_seed(0)
    encoder = build_encoder() if build_encoder else MLP(dropout)
    objective, device = objective or VICRegLoss(), torch.device("cpu")
    needs, dtype = objective.needs, next(encoder.parameters()).dtype
    prepare_objective(objective, recipe, data, Noise(), encoder, device)
    torch.manual_seed(1)
    projector = build_projector(encoder.embedding_dim, recipe.projector.dims)
    model = JointEmbedding(encoder, projector.to(dtype), feature_maps="feature_maps" in needs)
    share = share_of(data, recipe.train.batch_size, recipe.seed, rank(), world_size())
    loader = ViewLoader(
        data,
        Noise(),
        share,
        views=recipe.train.views,
        device=device,
        clean="clean" in needs,
    )
    precision = resolve_precision(recipe.train.precision, device)
    run = RunDirectory(folder)
    progress = Progress(run.log if rank() == 0 else None)
    objective = objective.to(dtype)
    return Trainer(recipe, "fingerprint", model, objective, loader, precision, run, progress)
