"""What the plugins build for one recipe."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import BaseModel

from vicreg_core.contracts import Augmentation, DatasetAdapter, Encoder
from vicreg_core.contracts.keys import mix_int, stream_id
from vicreg_core.data.splits import open_data
from vicreg_core.objectives.base import Objective
from vicreg_core.objectives.mixed import Added, MixedObjective
from vicreg_core.plugins.loading import load_target
from vicreg_core.plugins.registry import Registry, load_registry
from vicreg_core.recipes.load import LoadedRecipe


@dataclass(frozen=True, slots=True)
class Components:
    """What the plugins built for one recipe."""

    data: DatasetAdapter
    augmentation: Augmentation
    encoder: Encoder
    objective: Objective


def build_components(loaded: LoadedRecipe) -> Components:
    """Open the training data and build augmentation, encoder and objective.

    Initial weights are keyed by the recipe's seed.
    """
    recipe, registry = loaded.recipe, load_registry()
    data, _ = open_data(recipe.data, loaded.configs["dataset"], recipe.seed, stream=True)
    torch.manual_seed(mix_int(recipe.seed, stream_id("weights")))
    build_augmentation = load_target(registry.get("augmentation", recipe.augmentation.name))
    build_encoder = load_target(registry.get("encoder", recipe.encoder.name))
    return Components(
        data=data,
        augmentation=build_augmentation(loaded.configs["augmentation"], data.info),
        encoder=build_encoder(loaded.configs["encoder"], data.info),
        objective=_build_objective(loaded, registry),
    )


def _build_objective(loaded: LoadedRecipe, registry: Registry) -> Objective:
    """The recipe's objective, with those it adds."""

    def build(name: str, config: BaseModel | None) -> Objective:
        built: Objective = load_target(registry.get("objective", name))(config)
        return built

    section = loaded.recipe.objective
    first = build(section.name, loaded.configs["objective"])
    added = [
        Added(each.name, each.weight, build(each.name, config))
        for each, config in zip(section.also, loaded.added, strict=True)
    ]
    return MixedObjective(first, added) if added else first
