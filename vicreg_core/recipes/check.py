"""Checking a recipe whole: read, overridden, and validated in both phases, every mistake collected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from vicreg_core.plugins.component import Kind
from vicreg_core.plugins.registry import Registry
from vicreg_core.plugins.suggest import did_you_mean
from vicreg_core.recipes.catalogue import RecipeFile
from vicreg_core.recipes.components import ComponentCheck, Components
from vicreg_core.recipes.overrides import apply_overrides
from vicreg_core.recipes.problems import KeyPath, Place, Problem, in_order, place_of
from vicreg_core.recipes.protocols import adopt_former_keys, ask_for, expand_protocols
from vicreg_core.recipes.schema import COMPONENT_SECTIONS, Recipe, expand_names
from vicreg_core.recipes.shape import Shape
from vicreg_core.recipes.validation import Section, parse
from vicreg_core.recipes.words import shown
from vicreg_core.recipes.yaml import read_yaml


@dataclass(frozen=True, slots=True)
class CheckedRecipe:
    """A recipe after its check.

    Attributes:
        file: where it came from.
        problems: every mistake, in the order of the file.
        needs: what it leaves to its user and was not given: dotted key to what it is.
        recipe: the validated recipe, with the defaults of its components where they were checked; ``None``
            where there are problems or needs.
        configs: the validated config of each component, by kind, where components were checked.
        protocols: the same of each protocol of ``evaluate.protocols``, by its name there.
        added: the same of each objective of ``objective.also``, in order.
    """

    file: RecipeFile
    problems: tuple[Problem, ...]
    needs: Mapping[str, str]
    recipe: Recipe | None
    configs: Mapping[Kind, BaseModel | None]
    protocols: Mapping[str, BaseModel | None] = field(default_factory=dict)
    added: Sequence[BaseModel | None] = ()


def check_recipe(
    file: RecipeFile,
    overrides: Sequence[str] = (),
    *,
    registry: Registry | None,
    protocols: Sequence[str] | None = None,
    supervised: bool = False,
) -> CheckedRecipe:
    """Read a recipe, lay overrides over it and validate the result.

    Args:
        file: the recipe.
        overrides: ``key.path=value``, in order.
        registry: where its components are looked up; ``None`` checks the core's schema only.
        protocols: names of the only protocols to evaluate, with the options that the recipe gives them.
        supervised: ask for that floor.

    Raises:
        RecipeError: the file cannot be read at all.
    """
    document = read_yaml(file.read(), str(file.path))
    if not isinstance(document.data, dict):
        problems = document.problems or [Problem(document.places[()], "", _not_a_recipe(document.data))]
        return CheckedRecipe(file, tuple(problems), {}, None, {})
    document = apply_overrides(document, overrides)
    data, places = document.data, document.places
    expand_names(data)
    expand_protocols(data)
    if protocols or supervised:
        ask_for(data, protocols, supervised=supervised)
    adopt_former_keys(data, places)
    needs = _needs(data)
    needed = frozenset(tuple(key.split(".")) for key in needs)
    elsewhere = _keys_of_core_sections()
    problems = list(Section(Recipe, data, places=places, elsewhere=elsewhere).problems(needed))
    found = Components()
    if registry is not None:
        found = ComponentCheck(registry, places, elsewhere, needed).run(data)
        problems = _one_a_key(found.problems, problems)
    problems += _misnamed(data.get("required"), places, found.keys)
    problems = _one_a_key(document.problems, problems)
    recipe = None
    if not problems and not needs:
        recipe = parse(Recipe, {**data, **found.sections, "required": {}})
    return CheckedRecipe(
        file, in_order(problems), needs, recipe, found.configs, found.protocols, tuple(found.added)
    )


def _one_a_key(stronger: list[Problem], weaker: list[Problem]) -> list[Problem]:
    """All of the first, and of the second those that concern other keys."""
    taken = {problem.key for problem in stronger}
    return stronger + [problem for problem in weaker if problem.key not in taken]


def _not_a_recipe(data: Any) -> str:
    sections = ", ".join(name for name, field in Recipe.model_fields.items() if field.is_required())
    if data is None:
        return f"the file is empty; a recipe has at least the sections {sections}"
    return f"expected a mapping with at least the sections {sections}, got {shown(data)}"


def _needs(data: Mapping[str, Any]) -> dict[str, str]:
    """The ``required`` keys of a recipe that nobody has given yet."""
    required = data.get("required")
    return {
        key: str(what)
        for key, what in (required.items() if isinstance(required, dict) else ())
        if value_at(data, key) is None
    }


def value_at(data: Any, key: str) -> Any:
    """What a recipe's values hold at a dotted key; ``None`` where there is nothing."""
    for part in key.split("."):
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _misnamed(
    required: Any, places: Mapping[KeyPath, Place], of_components: Mapping[str, Sequence[str]]
) -> Iterator[Problem]:
    """The keys of ``required`` that no section takes."""
    shape = Shape(Recipe)
    for key in required if isinstance(required, dict) else ():
        section, _, rest = key.partition(".")
        if section in COMPONENT_SECTIONS and (section not in of_components or "." in rest):
            continue
        inside = of_components.get(section) or shape.keys_at((section,))
        known = [*shape.keys, *(f"{section}.{name}" for name in inside)]
        if key not in known:
            path = ("required", key)
            message = f"the recipe has no key {key!r}{did_you_mean(key, known)}"
            yield Problem(place_of(path, places), f"required.{key}", message)


def _keys_of_core_sections() -> dict[str, str]:
    shape = Shape(Recipe)
    core = [section for section in shape.keys if section not in COMPONENT_SECTIONS]
    return {key: f"{section}.{key}" for section in core for key in shape.keys_at((section,)) if key != "name"}
