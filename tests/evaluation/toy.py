"""A tiny modality, planted as a plugin: points of a few Gaussian classes, an encoder with batch norm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from vicreg_core.contracts import Augmentation, DataInfo, DatasetAdapter, Encoder
from vicreg_core.contracts.severity import strength
from vicreg_core.errors import DataError
from vicreg_core.files import write_text
from vicreg_core.plugins import (
    AugmentationSpec,
    DatasetSpec,
    EncoderSpec,
    ProtocolSpec,
    builtin,
)
from vicreg_core.plugins import registry as registry_module
from vicreg_core.plugins.component import Component
from vicreg_core.plugins.registry import Registry
from vicreg_core.plugins.status import PluginState, PluginStatus
from vicreg_core.pretrained import save_pretrained
from vicreg_core.recipes.load import LoadedRecipe, dump_recipe, load_recipe
from vicreg_core.recipes.schema import PositiveInt, StrictModel

DIMS = 6


class PointsConfig(StrictModel):
    """Keys of ``toy/points``."""

    n: PositiveInt = 60
    labelled: bool = True
    in_memory: bool = True
    test: bool = False
    seed: int = 0
    bad: int | None = None
    dims: PositiveInt = DIMS


class Points(DatasetAdapter):
    """``n`` points around the corners of a cube, in groups of five."""

    classes: Any = ("red", "green", "blue")

    def __init__(self, config: PointsConfig, split: str = "train") -> None:
        generator = np.random.default_rng([config.seed, {"train": 0, "test": 1}[split]])
        self.config, self.in_memory = config, config.in_memory
        labels = generator.integers(3, size=config.n)
        centres = 3 * np.eye(3, config.dims)
        noise = generator.normal(size=(config.n, config.dims))
        self.points = (centres[labels] + noise).astype(np.float32)
        self.ids = [f"{split}-{i}" for i in range(config.n)]
        self.info = DataInfo({"dims": config.dims}, {"words/list.txt": b"a b c", "init/start.bin": b"\0" * 9})
        self.labels = labels if config.labelled else None
        self.classes = type(self).classes if config.labelled else ()
        self.groups = np.array([f"plate-{i // 5}" for i in range(config.n)])
        self.metadata = {"row": np.arange(config.n), "label": ["shadowed"] * config.n}

    def __getitem__(self, index: int) -> torch.Tensor:
        if index == self.config.bad:
            raise DataError(f"sample {self.ids[index]} cannot be read")
        return torch.from_numpy(self.points[index])

    def __getitems__(self, indices: Any) -> Any:
        if self.in_memory:
            return torch.from_numpy(self.points[np.asarray(indices)])
        return [self[int(i)] for i in indices]

    def raw_features(self, indices: Any) -> Any:
        return self.points[indices]


class NoiseConfig(StrictModel):
    """Keys of ``toy/noise``."""

    scale: float = 0.1
    per_sample: bool = False


class Noise(Augmentation):
    """Adds noise; ingests lists of numbers; the evaluation view is the point itself."""

    corruptions: ClassVar = {"spread": "normal noise", "shrink": "towards the origin"}

    def __init__(self, config: NoiseConfig, info: DataInfo) -> None:
        super().__init__()
        self.scale, self.per_sample, self.dims = config.scale, config.per_sample, info.facts["dims"]

    def ingest(self, item: Any) -> torch.Tensor:
        point = torch.as_tensor(item, dtype=torch.float32)
        if point.shape != (self.dims,):
            raise DataError(f"expected {self.dims} numbers, got shape {tuple(point.shape)}")
        return point

    def prepare(self, sample: torch.Tensor, key: Any) -> torch.Tensor:
        return sample if key is None else sample + self.scale * key.normal("prepare", len(sample))[0]

    def forward(self, batch: Any, keys: Any = None) -> Any:
        return batch if keys is None else batch + self.scale * keys.normal("noise", batch.shape[1])

    def corrupt(self, batch: Any, name: str, severity: int, keys: Any) -> Any:
        amount = strength({"spread": (0.5, 1, 2, 4, 8), "shrink": (0.9, 0.7, 0.5, 0.2, 0)}, name, severity)
        return batch * amount if name == "shrink" else batch + amount * keys.normal(name, batch.shape[1])


class NetConfig(StrictModel):
    """Keys of ``toy/net``."""

    width: PositiveInt = 8
    start: str = "random"


class Net(Encoder):
    """A layer with batch norm; ``start: download`` stands for weights that come from a network."""

    downloads = 0

    def __init__(self, config: NetConfig, info: DataInfo) -> None:
        super().__init__()
        if config.start == "download":
            Net.downloads += 1
        self.embedding_dim = config.width
        self.linear = nn.Linear(info.facts["dims"], config.width)
        self.norm = nn.BatchNorm1d(config.width)

    @property
    def rebuild_options(self) -> dict[str, Any]:
        return {"start": "random"}

    @property
    def assets(self) -> dict[str, bytes]:
        return {"net/config.json": b"{}"}

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.norm(self.linear(batch)).relu()


class Width:
    """A protocol of a plugin, which needs no labels."""

    needs_labels = False

    def __call__(self, subject: Any) -> dict[str, Any]:
        return {"metric": "width", "width": subject.train.vectors.shape[1], "interval": None, "n": 1}


def build_points(config: PointsConfig, split: str) -> Points | None:
    """The dataset; a test split only where the config says so."""
    return Points(config, split) if split == "train" or config.test else None


def toy_registry(namespace: str = "toy") -> Registry:
    """The plugin ``toy`` and the core's objective and protocols."""

    def spec(kind: Any, cls: Any, name: str, target: str, config: str | None = None) -> Component:
        path = f"{__name__}:{config}" if config else None
        made = cls(name=name, target=f"{__name__}:{target}", config=path, summary="planted")
        return Component(kind, f"{namespace}/{name}", "toy-plugin 1.0", made)

    toy = (
        spec("dataset", DatasetSpec, "points", "build_points", "PointsConfig"),
        spec("augmentation", AugmentationSpec, "noise", "Noise", "NoiseConfig"),
        spec("encoder", EncoderSpec, "net", "Net", "NetConfig"),
        spec("protocol", ProtocolSpec, "width", "build_width"),
    )
    core = (
        *(Component("objective", f"core/{s.name}", "vicreg-suite", s) for s in builtin.vicreg_objectives()),
        *(Component("protocol", f"core/{s.name}", "vicreg-suite", s) for s in builtin.vicreg_protocols()),
    )
    ready = PluginState.READY
    return Registry(
        [
            PluginStatus(name="core", distribution="core", version="1", state=ready, components=core),
            PluginStatus(name=namespace, distribution="toy", version="1", state=ready, components=toy),
        ]
    )


def build_width(config: None) -> Width:
    """Builds the protocol."""
    return Width()


@contextmanager
def planted(registry: Registry | None = None) -> Iterator[None]:
    """The toy as the only plugin of this process."""
    before = registry_module._cached
    registry_module._cached = registry or toy_registry()
    try:
        yield
    finally:
        registry_module._cached = before


RECIPE = """\
data: {name: toy/points}
augmentation: {name: toy/noise}
encoder: {name: toy/net}
projector: {dims: [8]}
train: {epochs: 1, batch_size: 8, device: cpu}
"""


def make_run(folder: Path, *overrides: str) -> LoadedRecipe:
    """A finished run with an encoder that nobody trained; the toy must be planted."""
    source = folder.parent / "toy.yaml"
    source.write_text(RECIPE, encoding="utf-8")
    loaded = load_recipe(str(source), overrides)
    folder.mkdir()
    write_text(folder / "recipe.yaml", dump_recipe(loaded))
    data = Points(loaded.configs["dataset"])  # type: ignore[arg-type]
    torch.manual_seed(0)
    net = Net(loaded.configs["encoder"], data.info)  # type: ignore[arg-type]
    save_pretrained(folder / "model", net, info=data.info, loaded=loaded, trained={"steps": 4})
    return loaded
