"""Plugins that exist for the length of a test, and a registry that nothing else is in."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import invalidate_caches
from importlib.metadata import EntryPoint
from pathlib import Path

from vicreg_core.errors import PluginError
from vicreg_core.plugins import registry as registry_module
from vicreg_core.plugins.component import SPEC_OF
from vicreg_core.plugins.discovery import discover
from vicreg_core.plugins.hookspecs import ENTRY_POINT_GROUP
from vicreg_core.plugins.registry import Registry
from vicreg_core.plugins.specs import ComponentSpec
from vicreg_core.plugins.status import PluginStatus

_CORE = EntryPoint("core", "vicreg_core.plugins.builtin", ENTRY_POINT_GROUP)


@contextmanager
def registry_in_use(registry: Registry) -> Iterator[Registry]:
    """``load_registry()`` answers with ``registry`` in the block, in this process."""
    before = registry_module._cached
    registry_module._cached = registry
    try:
        yield registry
    finally:
        registry_module._cached = before


def core_registry() -> Registry:
    """A registry with the suite's plugin ``core`` alone; no entry point is looked for."""
    return Registry(discover([_CORE]))


def write_plugin(
    folder: Path, name: str, specs: Sequence[ComponentSpec], recipes: Mapping[str, str] | None = None
) -> str:
    """Write the package of a plugin.

    Args:
        folder: to put it in.
        name: of the plugin.
        specs: its components.
        recipes: text of each recipe by name.

    Returns:
        The package's name.
    """
    package = f"temporary_{name.replace('-', '_').replace('.', '_')}"
    (folder / package / "recipes").mkdir(parents=True)
    for recipe, text in (recipes or {}).items():
        (folder / package / "recipes" / f"{recipe}.yaml").write_text(text, encoding="utf-8")
    returned = {
        f"vicreg_{kind}s": [spec for spec in specs if type(spec) is spec_type]
        for kind, spec_type in SPEC_OF.items()
    }
    lines = ["from vicreg_core.plugins import *", "from vicreg_core.plugins import hookimpl", ""]
    for hook, given in returned.items():
        lines += ["@hookimpl", f"def {hook}():", f"    return {given!r}", ""]
    lines += ["@hookimpl", "def vicreg_recipes():", f"    return [RecipeFolder(package={package!r})]", ""]
    (folder / package / "__init__.py").write_text("\n".join(lines), encoding="utf-8")
    return package


@contextmanager
def temporary_plugin(
    folder: Path,
    name: str,
    specs: Sequence[ComponentSpec],
    recipes: Mapping[str, str] | None = None,
) -> Iterator[PluginStatus]:
    """A plugin beside those in use, gone after the block.

    Args:
        folder: an empty one to write its package to.
        name: of the plugin.
        specs: its components, whose targets and configs can be imported.
        recipes: text of each recipe by name.

    Raises:
        PluginError: the plugin is not usable.
    """
    package = write_plugin(folder, name, specs, recipes)
    sys.path.insert(0, str(folder))
    invalidate_caches()
    try:
        (status,) = discover([EntryPoint(name, package, ENTRY_POINT_GROUP)])
        if status.problem:
            raise PluginError(status.problem) from status.cause
        with registry_in_use(Registry([*registry_module.load_registry().statuses, status])):
            yield status
    finally:
        sys.path.remove(str(folder))
        for module in [each for each in sys.modules if each.partition(".")[0] == package]:
            del sys.modules[module]
