"""A new plugin, written from the template that the suite ships: a whole distribution, ready to install."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from vicreg_core.errors import PluginError
from vicreg_core.files import atomic_path
from vicreg_core.plugins.registry import Registry
from vicreg_core.plugins.specs import NAME_RULE, is_component_name

SUFFIX = ".template"
"""Ends the name of each template file whose ``$name``, ``$package`` and ``$distribution`` are filled in."""

_LONGEST = 40
_RESERVED = {"suite": "its distribution would take the name of vicreg-suite itself"}


def names_of(name: str) -> dict[str, str]:
    """What the template is filled in with.

    >>> names_of("mass-spectra")
    {'name': 'mass-spectra', 'package': 'vicreg_mass_spectra', 'distribution': 'vicreg-mass-spectra'}
    """
    words = re.split(r"[-_.]", name)
    return {
        "name": name,
        "package": "_".join(["vicreg", *words]),
        "distribution": "-".join(["vicreg", *words]),
    }


def new_plugin(name: str, folder: Path | None, registry: Registry) -> Path:
    """Write the distribution of a new plugin; all of it or nothing.

    Args:
        name: the plugin's namespace, e.g. ``"spectra"``.
        folder: to make; default: ``vicreg-<name>`` in the working directory.
        registry: the plugins whose names are taken.

    Returns:
        The folder.

    Raises:
        PluginError: the name cannot be used, or the folder is there.
        RunError: the disk refuses.
    """
    if problem := _problem_of(name, registry):
        raise PluginError(problem)
    names = names_of(name)
    target = (folder or Path(names["distribution"])).absolute()
    if target.exists() or target.is_symlink():
        beside = folder / names["distribution"] if folder and target.is_dir() else f"{target.name}-2"
        raise PluginError(
            f"{folder or target.name} exists, and nothing is overwritten; give a folder that does not, "
            f"e.g. --dir {beside}"
        )
    nearest = next(parent for parent in target.parents if parent.exists())
    if not nearest.is_dir():
        raise PluginError(f"cannot make {target}: {nearest} is a file")
    with atomic_path(target) as temporary:
        for path, text in _rendered(files("vicreg_core") / "template", names):
            file = temporary / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return folder or Path(target.name)


def _problem_of(name: str, registry: Registry) -> str | None:
    """Why a plugin cannot be called that; ``None`` where it can."""
    if not is_component_name(name):
        proper = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        hint = f"; how about {proper!r}?" if is_component_name(proper) else ""
        return f"{name!r} cannot name a plugin: expected {NAME_RULE}{hint}"
    if len(name) > _LONGEST:
        return f"{name!r} is too long: recipes carry the name before every component, {_LONGEST} at most"
    package = names_of(name)["package"]
    taken = {names_of(status.name)["package"]: status for status in registry.statuses}
    if status := taken.get(package):
        return f"the name {name!r} is taken by {status.name!r} of {status.distribution} {status.version}"
    if reason := _RESERVED.get(name):
        return f"{name!r} cannot name a plugin: {reason}"
    return None


def _rendered(folder: Traversable, names: dict[str, str], at: str = "") -> Iterator[tuple[str, str]]:
    """Path and text of each file; the folder ``package`` becomes the plugin's package."""
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            inner = names["package"] if entry.name == "package" else entry.name
            yield from _rendered(entry, names, f"{at}{inner}/")
        elif entry.name.endswith(SUFFIX):
            text = Template(entry.read_text(encoding="utf-8")).substitute(names)
            yield at + entry.name.removesuffix(SUFFIX), text
        elif entry.name.endswith(".csv"):
            yield at + entry.name, entry.read_text(encoding="utf-8")
