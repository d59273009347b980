"""The deep check of one plugin, for its author: everything it names is imported and every recipe is read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vicreg_core.errors import VicregError
from vicreg_core.plugins.component import Component
from vicreg_core.plugins.loading import load_config, load_target
from vicreg_core.plugins.registry import Registry
from vicreg_core.plugins.status import PluginStatus

_STRICT = "vicreg_core.recipes.schema.StrictModel"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked.

    Attributes:
        subject: what, e.g. ``"encoder signals/conv: target"``.
        problem: what is wrong with it; ``None`` where nothing is.
        cause: the exception behind the problem, for ``--debug``.
    """

    subject: str
    problem: str | None = None
    cause: BaseException | None = None

    def as_json(self) -> dict[str, Any]:
        """The record of ``vicreg plugin check --json``."""
        return {"subject": self.subject, "ok": self.problem is None, "problem": self.problem}


def check_plugin(status: PluginStatus, registry: Registry) -> list[Finding]:
    """Everything that can be checked without data: discovery, plugin module, components and recipes.

    Args:
        status: the plugin.
        registry: where its recipes look their components up, those of other plugins included.
    """
    findings = [Finding("discovery", status.problem, status.cause)]
    findings += [Finding("plugin module", note) for note in status.notes]
    for component in status.components:
        subject = f"{component.kind} {component.name}"
        findings.append(_attempt(f"{subject}: target", partial(_check_target, component)))
        if component.config:
            findings.append(_attempt(f"{subject}: config", partial(_check_config, component)))
    if status.recipes:
        findings += _check_recipes(status.recipes, status.name, registry)
    return findings


def _attempt(subject: str, check: Callable[[], str | None]) -> Finding:
    try:
        return Finding(subject, check())
    except VicregError as error:
        return Finding(subject, str(error), error)


def _check_target(component: Component) -> str | None:
    builder, arguments = load_target(component), component.spec.arguments
    try:
        inspect.signature(builder).bind(*arguments)
    except TypeError as error:
        return f"{component.target} cannot be called with ({', '.join(arguments)}): {error}"
    return None


def _check_config(component: Component) -> str | None:
    config = load_config(component)
    if config and config.model_config.get("extra") != "forbid":
        return f"{component.config} does not forbid unknown keys; derive it from {_STRICT}"
    return None


def _check_recipes(folder: Path, namespace: str, registry: Registry) -> Iterator[Finding]:
    from vicreg_core.recipes.catalogue import RecipeFile, recipe_files
    from vicreg_core.recipes.check import check_recipe

    def problems_of(file: RecipeFile) -> str | None:
        return "\n".join(map(str, check_recipe(file, registry=registry).problems)) or None

    for path in recipe_files(folder):
        name = f"{namespace}/{path.relative_to(folder).with_suffix('').as_posix()}"
        yield _attempt(f"recipe {name}", partial(problems_of, RecipeFile(name, path)))
