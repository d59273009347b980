"""Phase two of checking a recipe: what each component says of its own keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from typing import Any, cast

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from vicreg_core.errors import PluginError
from vicreg_core.plugins.component import Component as Registered
from vicreg_core.plugins.component import Kind
from vicreg_core.plugins.loading import load_config
from vicreg_core.plugins.registry import Registry
from vicreg_core.plugins.specs import ObjectiveSpec
from vicreg_core.recipes.problems import KeyPath, Place, Problem, dotted, place_of
from vicreg_core.recipes.protocols import find_protocol
from vicreg_core.recipes.schema import (
    COMPONENT_SECTIONS,
    AddedObjective,
    Component,
    EvaluateSection,
    Recipe,
)
from vicreg_core.recipes.validation import Section, parse

_OFFERED_BY: Mapping[str, Kind] = {"feature_maps": "encoder", "clean": "augmentation"}
_WORDS = {"feature_maps": "feature maps", "clean": "samples that a decoder can rebuild"}


class NoOptions(BaseModel):
    """The config model of a component that has none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Components:
    """What phase two found.

    Attributes:
        configs: the validated config of each component, by kind; ``None`` where it has none. A kind whose
            options have problems is absent.
        sections: the sections of the recipe with every default of their component written out.
        keys: the keys each section takes, the component's own included.
        protocols: the validated config of each protocol of ``evaluate.protocols``, by its name there.
        added: the same of each objective of ``objective.also``, in order.
        problems: every mistake.
    """

    configs: dict[Kind, BaseModel | None] = field(default_factory=dict)
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    protocols: dict[str, BaseModel | None] = field(default_factory=dict)
    added: list[BaseModel | None] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class ComponentCheck:
    """Resolves the components a recipe names and validates their options.

    Args:
        registry: where names are looked up.
        places: where each key of the recipe was written.
        elsewhere: dotted key, by last name, of keys of the core's sections.
        needed: keys left to the user and not given yet.
    """

    def __init__(
        self,
        registry: Registry,
        places: Mapping[KeyPath, Place],
        elsewhere: Mapping[str, str],
        needed: frozenset[KeyPath],
    ) -> None:
        self.registry, self.places = registry, places
        self.elsewhere, self.needed = elsewhere, needed

    def run(self, data: Mapping[str, Any]) -> Components:
        """Check the sections of ``data`` that are well enough formed to name a component."""
        found = Components()
        for section, kind in COMPONENT_SECTIONS.items():
            own = _core_keys(section)
            written = data.get(section, {})
            name = written.get("name", own["name"].default) if isinstance(written, dict) else None
            if isinstance(name, str):
                self._section(section, kind, name, written, found)
        self._added(data.get("objective", {}), found)
        self._protocols(data.get("evaluate", {}), found)
        if not found.problems and {"encoder", "augmentation", "objective"} <= found.sections.keys():
            found.problems.extend(self._unmet(found.sections))
        return found

    def _unmet(self, sections: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
        """Objectives that need what the recipe's encoder or augmentation does not offer."""
        section = sections["objective"]
        first = section.get("name", _core_keys("objective")["name"].default)
        named: list[tuple[str, KeyPath]] = [(first, ("objective", "name"))]
        for index, each in enumerate(section.get("also", ())):
            named.append((each["name"], ("objective", "also", index)))
        for objective, at in named:
            for need in cast(ObjectiveSpec, self.registry.get("objective", objective).spec).needs:
                if (of := _OFFERED_BY.get(need)) is None:
                    continue
                given = sections[of]["name"]
                plugin = given.partition("/")[0]
                offering = [
                    each
                    for each in self.registry.names(of)
                    if each.partition("/")[0] == plugin
                    and need in getattr(self.registry.get(of, each).spec, "offers", ())
                ]
                if given not in offering:
                    others = f"there are {', '.join(offering)}" if offering else f"no {of} of {plugin} does"
                    asked = f"objective {objective} needs {_WORDS[need]}, which {of} {given} does not offer"
                    yield self._problem(at, f"{asked}; {others}")

    def _section(
        self, section: str, kind: Kind, name: str, written: dict[str, Any], found: Components
    ) -> None:
        if "/" not in name:
            message = f"expected <plugin>/<component>, got {name!r}{self._qualified(kind, name)}"
            found.problems.append(self._problem((section, "name"), message))
            return
        try:
            config = load_config(self.registry.get(kind, name))
        except PluginError as error:
            found.problems.append(self._problem((section, "name"), str(error)))
            return
        own = _core_keys(section)
        options = {key: value for key, value in written.items() if key not in own}
        model = config or NoOptions
        part = Section(
            model,
            options,
            at=(section,),
            places=self.places,
            elsewhere=self.elsewhere,
            siblings=tuple(own),
        )
        found.keys[section] = (*own, *part.shape.keys)
        problems = list(part.problems(self.needed))
        found.problems.extend(problems)
        if problems or any(path[0] == section for path in self.needed):
            return
        valid = parse(model, options)
        found.configs[kind] = valid if config else None
        core = {key: written[key] for key in own if key in written}
        found.sections[section] = core | valid.model_dump(mode="json", by_alias=True)

    def _qualified(self, kind: Kind, name: str) -> str:
        """A suggestion for a name without its plugin."""
        existing = {full.partition("/")[2]: full for full in self.registry.names(kind)}
        near = get_close_matches(name, existing, n=1)
        return f"; did you mean {existing[near[0]]!r}?" if near else ""

    def _protocols(self, evaluate: Any, found: Components) -> None:
        """Check ``evaluate.protocols``, whose names and options :func:`expand_protocols` has written out."""
        default = [{"name": each.name} for each in EvaluateSection().protocols]
        listed = evaluate.get("protocols", default) if isinstance(evaluate, dict) else None
        if not isinstance(listed, list):
            return
        written = list[dict[str, Any]]()
        for index, item in enumerate(listed):
            if isinstance(item, dict) and isinstance(item.get("name"), str):
                at: KeyPath = ("evaluate", "protocols", index)
                written.append(self._protocol(item["name"], item, at, found))
        if len(written) == len(listed):
            found.sections["evaluate"] = {**evaluate, "protocols": written}

    def _protocol(self, name: str, item: Mapping[str, Any], at: KeyPath, found: Components) -> dict[str, Any]:
        """An item of the list with every default written out; as it was where it has problems."""
        if name in found.protocols:
            message = f"protocol {name!r} is listed twice, and results are kept by name"
            found.problems.append(self._problem(at, message))
            return dict(item)
        found.protocols[name], written = self._item(
            lambda: find_protocol(self.registry, name), item, at, ("name",), found
        )
        return written

    def _added(self, objective: Any, found: Components) -> None:
        """Check ``objective.also``."""
        listed = objective.get("also") if isinstance(objective, dict) else None
        if not isinstance(listed, list):
            return
        written, names = (
            list[dict[str, Any]](),
            {objective.get("name", _core_keys("objective")["name"].default)},
        )
        for index, item in enumerate(listed):
            if not isinstance(item, dict) or not isinstance(name := item.get("name"), str):
                continue
            at: KeyPath = ("objective", "also", index)
            if name in names:
                message = f"objective {name!r} is there twice; give the first its whole weight"
                found.problems.append(self._problem(at, message))
            names.add(name)
            own = tuple(AddedObjective.model_fields)
            config, whole = self._item(partial(self.registry.get, "objective", name), item, at, own, found)
            found.added.append(config)
            written.append(whole)
        if "objective" in found.sections:
            found.sections["objective"]["also"] = written

    def _item(
        self,
        find: Callable[[], Registered],
        item: Mapping[str, Any],
        at: KeyPath,
        own: tuple[str, ...],
        found: Components,
    ) -> tuple[BaseModel | None, dict[str, Any]]:
        """The config of a component in a list, and its item with every default written out.

        No config and the item as it was where there are problems, which are kept in ``found``.

        Args:
            find: the component.
            item: what the recipe says of it.
            at: where.
            own: keys of the item that are the core's.
            found: takes the problems.
        """
        try:
            config = load_config(find())
        except PluginError as error:
            found.problems.append(self._problem(at, str(error)))
            return None, dict(item)
        options = {key: value for key, value in item.items() if key not in own}
        model = config or NoOptions
        part = Section(model, options, at=at, places=self.places, elsewhere=self.elsewhere, siblings=own)
        if problems := list(part.problems(self.needed)):
            found.problems.extend(problems)
            return None, dict(item)
        valid = parse(model, options)
        core = {key: item[key] for key in own if key in item}
        return valid if config else None, core | valid.model_dump(mode="json", by_alias=True)

    def _problem(self, path: KeyPath, message: str) -> Problem:
        return Problem(place_of(path, self.places), dotted(path), message)


def _core_keys(section: str) -> Mapping[str, FieldInfo]:
    """The keys of a component's section that are the core's, not the component's."""
    model = Recipe.model_fields[section].annotation
    return cast(type[Component], model).model_fields
