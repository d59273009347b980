"""What one plugin brings: its module imported, its hooks checked and called, their answers checked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

import pluggy

from vicreg_core.plugins import hookspecs
from vicreg_core.plugins.component import SPEC_OF, Component, Kind
from vicreg_core.plugins.specs import API_VERSION, NAME_RULE, ComponentSpec, RecipeFolder, is_component_name
from vicreg_core.plugins.status import PluginState, UnusablePluginError
from vicreg_core.plugins.suggest import did_you_mean

_KIND_OF: dict[str, Kind] = {f"vicreg_{kind}s": kind for kind in SPEC_OF}
_RETURNS: dict[str, type[ComponentSpec] | type[RecipeFolder]] = {
    **{hook: SPEC_OF[kind] for hook, kind in _KIND_OF.items()},
    "vicreg_recipes": RecipeFolder,
}


@dataclass(frozen=True, slots=True)
class Contribution:
    """The components of a plugin and its folder of recipes."""

    components: tuple[Component, ...] = ()
    folder: RecipeFolder | None = None


def collect(entry_point: EntryPoint, distribution: str) -> Contribution:
    """Import a plugin and call its hooks.

    Args:
        entry_point: its name becomes the namespace of the components.
        distribution: name and version to remember with each component.

    Raises:
        UnusablePluginError: whatever went wrong in the plugin's code or with what it returned.
    """
    if not is_component_name(entry_point.name):
        raise UnusablePluginError(
            PluginState.INVALID, f"the name of entry point {entry_point.name!r}: expected {NAME_RULE}"
        )
    with _blame(PluginState.IMPORT_FAILED, f"importing {entry_point.value}"):
        plugin = entry_point.load()
    components: list[Component] = []
    folders: list[RecipeFolder] = []
    for hook, implementation in _implementations(plugin, entry_point.name).items():
        with _blame(PluginState.HOOK_FAILED, f"{hook}()"):
            returned = implementation()
        with _blame(PluginState.INVALID, f"checking what {hook}() returned"):
            _check(hook, returned)
        if kind := _KIND_OF.get(hook):
            full = [(f"{entry_point.name}/{spec.name}", spec) for spec in returned]
            components += [Component(kind, name, distribution, spec) for name, spec in full]
        else:
            folders = list(returned)
    return Contribution(tuple(components), next(iter(folders), None))


def _implementations(plugin: object, name: str) -> dict[str, Callable[[], Any]]:
    """The plugin's implementation of each hook.

    It registers with a manager of its own: what fails to register is half registered nowhere else.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    with _blame(PluginState.INVALID, "registering its hooks"):
        manager.register(plugin, name)
        for attribute in dir(plugin):
            if attribute.startswith("vicreg_") and inspect.isroutine(getattr(plugin, attribute)):
                _check_marked(manager, plugin, attribute)
    return {
        caller.name: caller.get_hookimpls()[0].function
        for caller in manager.get_hookcallers(plugin) or ()
        if caller.has_spec()
    }


def _check_marked(manager: pluggy.PluginManager, plugin: object, function: str) -> None:
    options = manager.parse_hookimpl_opts(plugin, function)
    if options is None:
        raise UnusablePluginError(PluginState.UNKNOWN_HOOK, f"{function}() is not marked with @hookimpl")
    if function not in _RETURNS and not options["optionalhook"]:
        hint = did_you_mean(function, _RETURNS)
        raise UnusablePluginError(PluginState.UNKNOWN_HOOK, f"there is no hook {function!r}{hint}")


def _check(hook: str, returned: Any) -> None:
    """Refuse what a hook returned unless it is a list of the right specs, fit for this version."""
    expected = _RETURNS[hook]
    if not isinstance(returned, list | tuple):
        given = type(returned).__name__
        raise UnusablePluginError(
            PluginState.INVALID, f"{hook}() returned {given}, expected a list of {expected.__name__}"
        )
    for item in returned:
        if not isinstance(item, expected):
            given = type(item).__name__
            raise UnusablePluginError(
                PluginState.INVALID, f"{hook}() returned a list with {given}, expected {expected.__name__}"
            )
    if expected is RecipeFolder:
        if len(returned) > 1:
            raise UnusablePluginError(PluginState.INVALID, f"{hook}() returned more than one folder")
        return
    names = [spec.name for spec in returned]
    for spec in returned:
        if names.count(spec.name) > 1:
            raise UnusablePluginError(PluginState.DUPLICATE, f"{hook}() names {spec.name!r} more than once")
        if spec.api > API_VERSION:
            raise UnusablePluginError(
                PluginState.NEEDS_NEWER_SUITE,
                f"it needs a newer vicreg-suite: {spec.name!r} is written for api {spec.api}, and this suite "
                f"has api {API_VERSION}; pip install -U vicreg-suite",
            )


@contextmanager
def _blame(state: PluginState, doing: str) -> Iterator[None]:
    """Turn whatever a plugin's code raises, ``SystemExit`` included, into the reason it is not usable."""
    try:
        yield
    except (KeyboardInterrupt, UnusablePluginError):
        raise
    except BaseException as error:
        raise UnusablePluginError(state, f"{doing} raised {type(error).__name__}: {error}") from error
