"""The registry: every component of every usable plugin, by kind and name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from importlib import invalidate_caches
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType

from vicreg_core.errors import PluginError
from vicreg_core.plugins.component import SPEC_OF, Component, Kind
from vicreg_core.plugins.discovery import discover
from vicreg_core.plugins.hookspecs import ENTRY_POINT_GROUP
from vicreg_core.plugins.status import PluginStatus
from vicreg_core.plugins.suggest import did_you_mean


class Registry:
    """Looks components up; a name that cannot be had gets the error of the plugin it belongs to.

    Args:
        statuses: what :func:`~vicreg_core.plugins.discovery.discover` found.
    """

    def __init__(self, statuses: Iterable[PluginStatus]) -> None:
        self.statuses = tuple(statuses)
        self._components: dict[Kind, dict[str, Component]] = {kind: {} for kind in SPEC_OF}
        for status in self.statuses:
            for component in status.components:
                self._components[component.kind][component.name] = component

    def specs(self, kind: Kind) -> Mapping[str, Component]:
        """The components of a kind by full name, those whose extra is missing included."""
        return MappingProxyType(self._components[kind])

    def names(self, kind: Kind) -> list[str]:
        """The full names of a kind, sorted."""
        return sorted(self._components[kind])

    def get(self, kind: Kind, name: str) -> Component:
        """The component to use under a full name.

        Args:
            kind: e.g. ``"encoder"``.
            name: ``"<plugin>/<component>"``.

        Raises:
            PluginError: the name is unknown, its plugin is broken, or its extra is not installed.
        """
        component = self._components[kind].get(name)
        if component is None:
            raise PluginError(self._why_absent(kind, name))
        if component.missing:
            raise PluginError(component.missing_extra())
        return component

    def status_of(self, namespace: str) -> PluginStatus | None:
        """What became of the plugin of this name; the usable one, where a name is claimed twice."""
        claimants = [status for status in self.statuses if status.name == namespace]
        return max(claimants, key=lambda status: status.state.usable, default=None)

    def problem_of(self, namespace: str) -> str | None:
        """Why the plugin of this name is not usable; ``None`` where it is, and where there is none."""
        status = self.status_of(namespace)
        return status.problem if status else None

    def recipe_folders(self) -> dict[str, Path]:
        """The folder of recipes of each usable plugin that has one."""
        return {status.name: status.recipes for status in self.statuses if status.recipes}

    def _why_absent(self, kind: Kind, name: str) -> str:
        namespace = name.partition("/")[0]
        if problem := self.problem_of(namespace):
            return f"{kind} {name!r} cannot be used: {problem}"
        for other, components in self._components.items():
            if name in components:
                return f"{name!r} is of kind {other}, where one of kind {kind} is expected"
        plugins = sorted({status.name for status in self.statuses})
        if namespace not in plugins:
            hint = did_you_mean(namespace, plugins)
            installed = f"installed: {', '.join(plugins)}"
            return f"{kind} {name!r}: no plugin {namespace!r} is installed{hint} ({installed})"
        existing = self.names(kind)
        return f"unknown {kind} {name!r}{did_you_mean(name, existing)} (there are: {', '.join(existing)})"


_cached: Registry | None = None


def load_registry(*, refresh: bool = False) -> Registry:
    """The registry of this process, from all installed plugins.

    ``VICREG_PLUGINS`` (names, comma-separated) leaves all others out, unimported;
    ``VICREG_STRICT_PLUGINS=1`` makes the first plugin that is not usable an error.

    Args:
        refresh: discover again instead of answering from the first call.

    Raises:
        PluginError: as :func:`~vicreg_core.plugins.discovery.discover`.
    """
    global _cached
    if _cached is None or refresh:
        invalidate_caches()
        selected = [name.strip() for name in os.environ.get("VICREG_PLUGINS", "").split(",")]
        _cached = Registry(
            discover(
                entry_points(group=ENTRY_POINT_GROUP),
                selected=list(filter(None, selected)),
                strict=os.environ.get("VICREG_STRICT_PLUGINS") == "1",
            )
        )
    return _cached
