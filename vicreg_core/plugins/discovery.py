"""Discovery: every installed entry point, examined alone, so that one broken plugin breaks nothing else."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from importlib.metadata import EntryPoint

from vicreg_core.errors import PluginError
from vicreg_core.plugins.contribution import Contribution, collect
from vicreg_core.plugins.guard import undisturbed
from vicreg_core.plugins.status import PluginState, PluginStatus, UnusablePluginError
from vicreg_core.plugins.suggest import did_you_mean

SUITE = "vicreg-suite"
_HEAVY = ("numpy", "torch")


def discover(
    entry_points: Iterable[EntryPoint], *, selected: Collection[str] = (), strict: bool = False
) -> tuple[PluginStatus, ...]:
    """The status of each entry point, sorted by name.

    Args:
        entry_points: those of the group ``vicreg.plugins``.
        selected: names to load, where not empty; the others are not imported.
        strict: raise at the first plugin that is not usable instead of recording it.

    Raises:
        PluginError: ``selected`` holds a name that no entry point has, or a plugin failed and ``strict``.
    """
    found = sorted(entry_points, key=lambda each: (each.name, _origin(each)))
    names = {each.name for each in found}
    for name in selected:
        if name not in names:
            hint = did_you_mean(name, names)
            raise PluginError(f"VICREG_PLUGINS names {name!r}, but no installed plugin is called that{hint}")
    statuses = []
    for entry_point in found:
        claims = [each for each in found if each.name == entry_point.name]
        status = _examine(entry_point, claims, selected)
        if strict and status.problem and status.state is not PluginState.DISABLED:
            raise PluginError(status.problem) from status.cause
        statuses.append(status)
    return tuple(statuses)


def _examine(entry_point: EntryPoint, claims: list[EntryPoint], selected: Collection[str]) -> PluginStatus:
    distribution, version = _origin(entry_point)
    state, error, cause = PluginState.READY, None, None
    brought, notes = Contribution(), list[str]()
    try:
        if selected and entry_point.name not in selected:
            raise UnusablePluginError(
                PluginState.DISABLED, f"VICREG_PLUGINS={','.join(selected)} leaves it out"
            )
        _refuse_duplicate(entry_point, claims)
        light = [module for module in _HEAVY if module not in sys.modules]
        with undisturbed() as notes:
            brought = collect(entry_point, f"{distribution} {version}")
        if heavy := [module for module in light if module in sys.modules]:
            notes.append(f"{entry_point.value} imports {' and '.join(heavy)}, which slows every command down")
        if brought.folder and not brought.folder.locate():
            notes.append(f"there is no folder {brought.folder.folder!r} in {brought.folder.package!r}")
        if any(component.missing for component in brought.components):
            state = PluginState.MISSING_EXTRA
    except UnusablePluginError as unusable:
        state, error, cause = unusable.state, str(unusable), unusable.__cause__
    return PluginStatus(
        name=entry_point.name,
        distribution=distribution,
        version=version,
        module=entry_point.module,
        state=state,
        error=error,
        components=brought.components,
        recipes=brought.folder.locate() if brought.folder else None,
        notes=tuple(notes),
        cause=cause,
    )


def _refuse_duplicate(entry_point: EntryPoint, claims: list[EntryPoint]) -> None:
    """Refuse every claimant of a name but the suite itself, whose runs no installed package may change."""
    owners = [_origin(claim)[0] for claim in claims]
    if len(claims) == 1 or (owners.count(SUITE) == 1 and _origin(entry_point)[0] == SUITE):
        return
    raise UnusablePluginError(
        PluginState.DUPLICATE,
        f"the name {entry_point.name!r} is claimed by {' and '.join(' '.join(_origin(c)) for c in claims)}; "
        "uninstall one of them",
    )


def _origin(entry_point: EntryPoint) -> tuple[str, str]:
    """Name and version of the distribution behind an entry point; a damaged one may not say."""
    distribution = entry_point.dist
    name, version = (distribution.name, distribution.version) if distribution else (None, None)
    return name or "unknown distribution", version or "of unknown version"
