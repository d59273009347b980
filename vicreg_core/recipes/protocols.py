"""How a recipe writes the evaluation protocols: by name, or by name and options.

The core's are written without their plugin (``knn`` for ``core/knn``), here and in results.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from vicreg_core.errors import PluginError
from vicreg_core.plugins.component import Component
from vicreg_core.plugins.registry import Registry
from vicreg_core.plugins.suggest import did_you_mean
from vicreg_core.recipes.problems import KeyPath, Place
from vicreg_core.recipes.schema import LabelTraining

CORE = "core/"

_MOVED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "fractions": ("label-fractions", "finetune"),
        "balanced": ("linear", "label-fractions", "finetune"),
        **dict.fromkeys([f"finetune.{key}" for key in LabelTraining.model_fields], ("finetune",)),
    }
)
"""Former keys of section ``evaluate``, and the protocols whose options they are now."""

_FORMER_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "fractions": [0.01, 0.1],
        "balanced": False,
        **{f"finetune.{key}": value for key, value in LabelTraining().model_dump().items()},
    }
)


def short_name(name: str) -> str:
    """A protocol's name as recipes and results have it.

    >>> short_name("core/knn"), short_name("text/sts")
    ('knn', 'text/sts')
    """
    return name.removeprefix(CORE)


def full_name(name: str) -> str:
    """A protocol's name as the registry has it.

    >>> full_name("knn"), full_name("text/sts")
    ('core/knn', 'text/sts')
    """
    return name if "/" in name else CORE + name


def find_protocol(registry: Registry, name: str) -> Component:
    """The protocol of a name as recipes have it.

    Raises:
        PluginError: no such protocol, or the plugin it comes from is not usable.
    """
    known = registry.names("protocol")
    full = full_name(name)
    if "/" not in name and full not in known and CORE[:-1] in {each.partition("/")[0] for each in known}:
        existing = [short_name(each) for each in known]
        hint = did_you_mean(name, existing)
        raise PluginError(f"unknown protocol {name!r}{hint} (there are: {', '.join(existing)})")
    return registry.get("protocol", full)


def expand_protocols(data: dict[str, Any]) -> None:
    """Write ``protocols: [knn]`` out as ``protocols: [{name: knn}]``, in place."""
    section = data.get("evaluate")
    if isinstance(section, dict) and isinstance(listed := section.get("protocols"), list):
        section["protocols"] = [_expanded(item) for item in listed]


def _expanded(item: Any) -> Any:
    if isinstance(item, str):
        return {"name": short_name(item)}
    if isinstance(item, dict) and isinstance(item.get("name"), str):
        return {**item, "name": short_name(item["name"])}
    return item


def ask_for(data: dict[str, Any], names: Sequence[str] | None, *, supervised: bool) -> None:
    """Let a recipe list just the protocols of these names, each with the options it gives them, in place.

    Args:
        data: a recipe whose protocols are expanded.
        names: of protocols; ``None``: those it lists.
        supervised: ask for that floor too.
    """
    section = data.setdefault("evaluate", {})
    if not isinstance(section, dict):
        return
    if supervised and section.get("supervised") in (None, False):
        section["supervised"] = True
    if names:
        listed = {item["name"]: item for item in _listed(section) if isinstance(item.get("name"), str)}
        asked = dict.fromkeys(map(short_name, names))
        section["protocols"] = [listed.get(name, {"name": name}) for name in asked]


def adopt_former_keys(data: dict[str, Any], places: dict[KeyPath, Place]) -> None:
    """Move what earlier versions wrote into the options of the protocols that use it, in place.

    A warning says what to write instead, save of values that are the defaults anyway, which every recipe
    kept by a run wrote out.
    """
    section = data.get("evaluate")
    if not isinstance(section, dict):
        return
    for key, path, value in list(_former(section)):
        if value == _FORMER_DEFAULTS[key]:
            continue
        option, taken = path[-1], list[str]()
        for index, item in enumerate(_listed(section)):
            if item.get("name") in _MOVED[key]:
                item.setdefault(option, value)
                taken.append(item["name"])
                if place := places.get(("evaluate", *path)):
                    places["evaluate", "protocols", index, option] = place
        if path[0] == "finetune" and section.get("supervised") not in (None, False):
            if not isinstance(section["supervised"], dict):
                section["supervised"] = {}
            section["supervised"].setdefault(option, value)
            taken.append("the floor supervised")
        warnings.warn(_advice(key, option, value, taken), stacklevel=2)
    section.pop("fractions", None)
    section.pop("balanced", None)
    if isinstance(former := section.get("finetune"), dict):
        section["finetune"] = {key: former[key] for key in former if f"finetune.{key}" not in _MOVED}
        if not section["finetune"]:
            del section["finetune"]


def _listed(section: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = section.get("protocols")
    return [item if isinstance(item, dict) else {} for item in (listed if isinstance(listed, list) else ())]


def _former(section: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Each former key that is written: its dotted name, its path and its value."""
    for key in _MOVED:
        first, _, rest = key.partition(".")
        value = section.get(first)
        if not rest and first in section:
            yield key, (first,), value
        elif rest and isinstance(value, dict) and rest in value:
            yield key, (first, rest), value[rest]


def _advice(key: str, option: str, value: Any, taken: Sequence[str]) -> str:
    first = _MOVED[key][0]
    instead = f"evaluate.protocols=[{{name: {first}, {option}: {json.dumps(value)}}}]"
    if taken:
        return (
            f"evaluate.{key} is an option of each protocol that uses it; it is taken for {', '.join(taken)}. "
            f"Write instead: {instead}"
        )
    return (
        f"evaluate.{key} is without effect: it is an option of {' and '.join(_MOVED[key])}, which the recipe "
        f"does not list. Write instead: {instead}"
    )
