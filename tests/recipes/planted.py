"""A registry with known components, and recipes that use them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from vicreg_core.plugins import (
    AugmentationSpec,
    DatasetSpec,
    EncoderSpec,
    ObjectiveSpec,
    ProtocolSpec,
    builtin,
)
from vicreg_core.plugins.component import Component, Kind
from vicreg_core.plugins.registry import Registry
from vicreg_core.plugins.specs import ComponentSpec
from vicreg_core.plugins.status import PluginState, PluginStatus
from vicreg_core.recipes.catalogue import RecipeFile
from vicreg_core.recipes.check import CheckedRecipe, check_recipe
from vicreg_core.recipes.schema import Fraction, PositiveInt, StrictModel


class FolderConfig(StrictModel):
    """Has a key without default, and a rule over two keys."""

    path: str
    classes: Literal["folders", "table"] | None = None
    table: Path | None = None

    @model_validator(mode="after")
    def _table_for_classes(self) -> FolderConfig:
        if (self.classes == "table") != (self.table is not None):
            raise ValueError("expected 'table' exactly where 'classes' is 'table'")
        return self


class Block(StrictModel):
    """A nested part of a config."""

    width: PositiveInt = 32


class ConvConfig(StrictModel):
    """Lists, nested models, bounds and choices."""

    widths: tuple[PositiveInt, ...] = (32, 64)
    kernel: Annotated[int, Field(ge=1, le=11)] = 3
    dropout: Fraction = 0.0
    pool: Literal["mean", "max"] = "mean"
    block: Block = Block()
    blocks: tuple[Block, ...] = ()


class LaxConfig(BaseModel):
    """What a careless plugin writes: unknown keys would be ignored."""

    strength: float = 0.5


def _component(kind: Kind, namespace: str, spec: ComponentSpec) -> Component:
    return Component(kind, f"{namespace}/{spec.name}", f"{namespace}-plugin 1.0", spec)


def _spec(cls: type[ComponentSpec], name: str, config: str | None = None, **more: object) -> ComponentSpec:
    path = f"{__name__}:{config}" if config else None
    return cls(name=name, target=f"{__name__}:absent", config=path, summary="planted", **more)  # type: ignore[arg-type]


def planted_registry(folder: Path | None = None) -> Registry:
    """Plugins ``toy`` (with the recipes of ``folder``), ``core`` and a broken one, ``wreck``."""
    toy = (
        _component("dataset", "toy", _spec(DatasetSpec, "folder", "FolderConfig")),
        _component("dataset", "toy", _spec(DatasetSpec, "digits")),
        _component("augmentation", "toy", _spec(AugmentationSpec, "noise", "LaxConfig")),
        _component("encoder", "toy", _spec(EncoderSpec, "conv", "ConvConfig")),
        _component(
            "encoder",
            "toy",
            _spec(EncoderSpec, "huge", requires=("no_such_library",), extra="toy-plugin[huge]"),
        ),
        _component("protocol", "toy", _spec(ProtocolSpec, "pairs")),
    )
    core = (
        _component("objective", "core", _spec(ObjectiveSpec, "vicreg", "LaxConfig")),
        *(_component("protocol", "core", spec) for spec in builtin.vicreg_protocols()),
    )
    ready = PluginState.READY
    return Registry(
        [
            PluginStatus(name="core", distribution="core", version="1", state=ready, components=core),
            PluginStatus(
                name="toy", distribution="toy", version="1", state=ready, components=toy, recipes=folder
            ),
            PluginStatus(
                name="wreck",
                distribution="wreck-plugin",
                version="2",
                state=PluginState.IMPORT_FAILED,
                error="ZeroDivisionError: division by zero",
            ),
        ]
    )


GOOD = """\
# vicreg train toy/good
summary: a good recipe
data: {name: toy/digits}
augmentation: {name: toy/noise, strength: 1e-1}
encoder:
  name: toy/conv
  kernel: 5
train: {epochs: 3, batch_size: 64}
"""

YOURS = """\
# vicreg train toy/yours data.path=photos; not toy/yours-too
summary: your own files
required:
  data.path: a folder of files
data: {name: toy/folder}
augmentation: {name: toy/noise}
encoder: {name: toy/conv}
train: {epochs: 3}
"""


def write(path: Path, text: str) -> RecipeFile:
    """Write a recipe file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return RecipeFile(str(path), path)


def check(tmp_path: Path, text: str, *overrides: str) -> CheckedRecipe:
    """Check a recipe's text in both phases."""
    return check_recipe(write(tmp_path / "r.yaml", text), overrides, registry=planted_registry())


def told(checked: CheckedRecipe) -> dict[tuple[int | None, str], str]:
    """The problems: (line, key) -> message."""
    return {(problem.place.line, problem.key): problem.message for problem in checked.problems}
