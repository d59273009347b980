"""What the conformance tests of all kinds of component share: which recipe they are tested in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

from vicreg_core.errors import RecipeError
from vicreg_core.plugins.component import Kind
from vicreg_core.plugins.registry import Registry, load_registry
from vicreg_core.recipes.catalogue import RecipeFile, find_recipe, shipped_recipes
from vicreg_core.recipes.check import check_recipe
from vicreg_core.recipes.load import load_recipe
from vicreg_core.recipes.schema import COMPONENT_SECTIONS
from vicreg_core.testing.bench import Bench

_SECTION_OF = {kind: section for section, kind in COMPONENT_SECTIONS.items()}


class ComponentConformance:
    """Base of the conformance tests of a component; a subclass names the component.

    A component is tested in the chain of a recipe: an encoder is fed by the recipe's dataset through its
    augmentation. That is :attr:`recipe`, or else the plugin's quickstart, with the component in its place
    where it uses another.
    """

    kind: ClassVar[Kind]
    component: ClassVar[str]
    """Full name, e.g. ``"signals/conv"``."""
    recipe: ClassVar[str | None] = None
    """The recipe to test it in: a shipped name or a path."""
    options: ClassVar[Mapping[str, Any]] = {}
    """The component's own recipe keys; where empty, those that the recipe gives it."""
    overrides: ClassVar[tuple[str, ...]] = ()
    """Further ``key.path=value``, e.g. to make the recipe's data small."""

    @property
    def bench(self) -> Bench:
        """The recipe's parts, shared by the tests of a class."""
        options = json.dumps(dict(self.options), sort_keys=True)
        return _bench(self.kind, self.component, self.recipe, options, self.overrides, load_registry())


@lru_cache(maxsize=4)
def _bench(
    kind: Kind,
    component: str,
    recipe: str | None,
    options: str,
    overrides: tuple[str, ...],
    registry: Registry,
) -> Bench:
    registry.get(kind, component)
    chosen = recipe or own_recipe(component.partition("/")[0], registry)
    section, own = _SECTION_OF[kind], json.loads(options)
    if own or not _uses(find_recipe(chosen, registry), overrides, section, component, registry):
        overrides = (f"{section}={json.dumps({'name': component, **own})}", *overrides)
    return Bench(load_recipe(chosen, overrides, registry=registry), registry)


def own_recipe(plugin: str, registry: Registry) -> str:
    """A recipe of a plugin that trains as it stands: its quickstart, or else the first.

    Raises:
        RecipeError: the plugin has none.
    """
    ready = [
        file.label
        for file in shipped_recipes(registry)
        if file.label.startswith(f"{plugin}/") and check_recipe(file, registry=registry).recipe
    ]
    if not ready:
        raise RecipeError(
            f"plugin {plugin!r} has no recipe that trains as it stands, so there is nothing to test its "
            "components in; ship a quickstart, or set recipe and overrides on the test class"
        )
    return min(ready, key=lambda label: (not label.endswith("/quickstart"), label))


def _uses(
    file: RecipeFile, overrides: tuple[str, ...], section: str, component: str, registry: Registry
) -> bool:
    recipe = check_recipe(file, overrides, registry=registry).recipe
    return recipe is not None and getattr(recipe, section).name == component
