"""From a recipe's name or path to a validated recipe, and back to YAML."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from vicreg_core.errors import RecipeError
from vicreg_core.plugins.component import Kind
from vicreg_core.plugins.registry import Registry, load_registry
from vicreg_core.recipes.catalogue import find_recipe
from vicreg_core.recipes.check import check_recipe
from vicreg_core.recipes.problems import InvalidRecipeError
from vicreg_core.recipes.schema import Recipe
from vicreg_core.recipes.yaml import write_yaml

_HOUSEKEEPING: Mapping[str, Any] = {
    "summary": True,
    "required": True,
    "data": {"workers"},
    "train": {"device", "log_every", "checkpoint_every", "keep_checkpoints"},
    "monitor": True,
    "evaluate": True,
}
"""Keys that change how a run is watched, stored or where it runs, but not what is trained.

Everything else counts, a new key included. ``train.precision`` and ``train.compile`` do: they change the
arithmetic. ``train.epochs`` does: the schedule is stretched over it.
"""


@dataclass(frozen=True, slots=True)
class LoadedRecipe:
    """A recipe that is ready to run.

    Attributes:
        source: what its user called it: a shipped name or a path.
        recipe: the recipe with overrides applied and, where components were checked, every default of
            every component written out; nothing is left in ``required``.
        configs: the validated config of each component by kind (``"dataset"``, ``"augmentation"``,
            ``"encoder"``, ``"objective"``); ``None`` for a component without options.
        protocols: the same of each protocol of ``evaluate.protocols``, by its name there.
        added: the same of each objective of ``objective.also``, in order.
    """

    source: str
    recipe: Recipe
    configs: Mapping[Kind, BaseModel | None]
    protocols: Mapping[str, BaseModel | None] = field(default_factory=dict)
    added: Sequence[BaseModel | None] = ()

    @property
    def data(self) -> dict[str, Any]:
        """The resolved recipe as plain values: what :func:`dump_recipe` writes."""
        return self.recipe.model_dump(mode="json", exclude={"required"})


def load_recipe(
    ref: str,
    overrides: Sequence[str] = (),
    *,
    components: bool = True,
    registry: Registry | None = None,
    command: str = "vicreg train",
    protocols: Sequence[str] | None = None,
    supervised: bool = False,
) -> LoadedRecipe:
    """Load a recipe that is to be used.

    Args:
        ref: a shipped name such as ``vision/quickstart``, or the path of a ``.yaml`` file.
        overrides: ``key.path=value``, applied in order.
        components: validate the options of each component and write out their defaults.
        registry: where components and shipped recipes are looked up; default: all installed plugins.
        command: what the user typed, for the advice about keys a recipe leaves to them.
        protocols: names of the only protocols to evaluate, with the options that the recipe gives them.
        supervised: ask for the floor ``supervised`` too.

    Raises:
        RecipeError: no such recipe, it has mistakes (all are listed), or keys it leaves to its user are
            missing.
        PluginError: from discovery with ``VICREG_STRICT_PLUGINS=1``.
    """
    registry = registry or load_registry()
    checked = check_recipe(
        find_recipe(ref, registry),
        overrides,
        registry=registry if components else None,
        protocols=protocols,
        supervised=supervised,
    )
    if checked.problems:
        raise InvalidRecipeError(ref, checked.problems)
    if checked.recipe is None:
        raise RecipeError(_ask_for(checked.needs, ref, overrides, command))
    return LoadedRecipe(ref, checked.recipe, checked.configs, checked.protocols, checked.added)


def dump_recipe(loaded: LoadedRecipe) -> str:
    """The resolved recipe as YAML, every default written out; loads back to an equal recipe."""
    return write_yaml(loaded.data)


def fingerprint(recipe: Recipe) -> str:
    """SHA-256 (hexadecimal) of what determines the result of training.

    Only recipes loaded with ``components=True`` compare: a default then counts as if it were written.
    """
    data = recipe.model_dump(mode="json", exclude=dict(_HOUSEKEEPING))
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def placeholder(key: str) -> str:
    """An override to be filled in.

    >>> placeholder("data.label_column")
    'data.label_column=LABEL_COLUMN'
    """
    return f"{key}={key.rpartition('.')[2].upper()}"


def _ask_for(needs: Mapping[str, str], ref: str, overrides: Sequence[str], command: str) -> str:
    given = shlex.join([ref, *overrides])
    asked = " ".join(placeholder(key) for key in needs)
    return "\n".join(
        [
            f"recipe {ref} leaves {len(needs)} key{'s' if len(needs) > 1 else ''} to you:",
            *(f"  {key}: {what}" for key, what in needs.items()),
            "Type, with your own in place of the capitals:",
            f"  {command} {given} {asked}",
        ]
    )
