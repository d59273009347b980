"""What became of each installed plugin."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from vicreg_core.plugins.component import SPEC_OF, Component, install_line


class PluginState(StrEnum):
    """The states ``vicreg plugin list`` tells apart; the value is what its JSON says."""

    READY = "ready"
    MISSING_EXTRA = "missing-extra"
    DISABLED = "disabled"
    IMPORT_FAILED = "import-failed"
    HOOK_FAILED = "hook-failed"
    UNKNOWN_HOOK = "unknown-hook"
    INVALID = "invalid"
    DUPLICATE = "duplicate"
    NEEDS_NEWER_SUITE = "needs-newer-suite"

    @property
    def usable(self) -> bool:
        """Whether the plugin's components can be asked for."""
        return self in (PluginState.READY, PluginState.MISSING_EXTRA)


class UnusablePluginError(Exception):
    """Why a plugin is not usable; discovery catches it and records it in the plugin's status."""

    def __init__(self, state: PluginState, message: str) -> None:
        super().__init__(message)
        self.state = state


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginStatus:
    """One entry point of the group ``vicreg.plugins`` and what became of it.

    Attributes:
        name: the entry point's name, which is the plugin's namespace.
        distribution: name of the distribution that installed it.
        version: version of that distribution.
        module: of its hook implementations.
        state: what became of it.
        error: one line on why it is not usable.
        components: what it brings; empty where it is not usable.
        recipes: its folder of recipes.
        notes: what an author should mend although the plugin works.
        cause: the exception behind ``error``, for ``--debug``.
    """

    name: str
    distribution: str
    version: str
    module: str = ""
    state: PluginState
    error: str | None = None
    components: tuple[Component, ...] = ()
    recipes: Path | None = None
    notes: tuple[str, ...] = ()
    cause: BaseException | None = field(default=None, repr=False, compare=False)

    @property
    def missing(self) -> tuple[str, ...]:
        """Importable names its components need and which are not installed."""
        return tuple(sorted({name for component in self.components for name in component.missing}))

    @property
    def install(self) -> tuple[str, ...]:
        """The commands that would install what is :attr:`missing`."""
        lacking = {component.extra for component in self.components if component.missing}
        return tuple(install_line(extra) for extra in sorted(filter(None, lacking)))

    @property
    def problem(self) -> str | None:
        """The sentence for whoever needs this plugin; ``None`` where it is usable."""
        if self.state.usable:
            return None
        return f"plugin {self.name!r} ({self.distribution} {self.version}) is not usable: {self.error}"

    def as_json(self) -> dict[str, Any]:
        """The record of ``vicreg plugin list --json``."""
        return {
            "name": self.name,
            "distribution": self.distribution,
            "version": self.version,
            "status": self.state.value,
            "error": self.error,
            "components": {
                kind: [component.name for component in self.components if component.kind == kind]
                for kind in SPEC_OF
            },
            "recipes": str(self.recipes) if self.recipes else None,
            "missing": list(self.missing),
            "install": list(self.install),
            "notes": list(self.notes),
        }
