"""The reference pages as Markdown: recipes from schemas, commands from click, Python from docstrings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vicreg_core.cli.main import cli
from vicreg_core.plugins.component import Component
from vicreg_core.plugins.loading import load_config
from vicreg_core.plugins.registry import load_registry
from vicreg_core.recipes.catalogue import shipped_recipes
from vicreg_core.recipes.check import check_recipe
from vicreg_core.recipes.schema import COMPONENT_SECTIONS, Recipe

PUBLIC = {
    "vicreg_core": ["VICRegLoss", "load"],
    "vicreg_core.pretrained": ["PretrainedEncoder"],
    "vicreg_core.contracts": ["DatasetAdapter", "Augmentation", "Encoder", "DataInfo"],
    "vicreg_core.contracts.keys": ["Keys"],
    "vicreg_core.objectives.base": ["Objective", "Terms"],
    "vicreg_core.plugins.specs": ["ComponentSpec", "RecipeFolder"],
    "vicreg_core.testing": ["check_plugin", "run_recipe"],
    "vicreg_core.errors": ["VicregError", "DataError", "PluginError", "RecipeError", "RunError"],
}
"""The names of the Python reference, by module; private homes are followed."""


def recipes_page() -> str:
    """Every key of every section, and of every component that is installed."""
    lines = [
        "# Recipes",
        "",
        "Generated from the schemas. A recipe is a YAML mapping of sections.",
        "",
    ]
    for name, field in Recipe.model_fields.items():
        model = field.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            lines += [f"## `{name}`", "", _first_line(model), "", *_table(model), ""]
            lines += _components(name)
    lines += ["## Shipped recipes", "", "| recipe | you give | summary |", "|---|---|---|"]
    for file in shipped_recipes(load_registry()):
        checked = check_recipe(file, registry=None)
        summary = checked.recipe.summary if checked.recipe else _summary(file.read())
        lines.append(
            f"| `{file.label}` | {', '.join(f'`{key}`' for key in checked.needs)} | {_cell(summary)} |"
        )
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """Every command with its options."""
    lines = ["# Commands", "", "Generated from the command line.", ""]
    context = click.Context(cli, info_name="vicreg")
    for path, command, inner in _walk(cli, context):
        level = "#" * len(path)
        lines += [f"{level} `{' '.join(path)}`", "", "```text", command.get_help(inner), "```", ""]
    return "\n".join(lines) + "\n"


def python_page() -> str:
    """The public names, for mkdocstrings to fill in."""
    lines = ["# Python", "", "Generated from the docstrings.", ""]
    for module, names in PUBLIC.items():
        lines += [f"## `{module}`", ""]
        for name in names:
            lines += [f"::: {_home(module, name)}", ""]
    return "\n".join(lines)


PAGES = {
    "reference/recipes.md": recipes_page,
    "reference/commands.md": commands_page,
    "reference/python.md": python_page,
}


def _components(section: str) -> Iterator[str]:
    kind = COMPONENT_SECTIONS.get(section)
    if kind is None:
        return
    for component in load_registry().specs(kind).values():
        yield from (f"### `{component.name}`", "", f"{component.summary}.", "")
        if model := _config_of(component):
            yield from (*_table(model), "")


def _config_of(component: Component) -> type[BaseModel] | None:
    return None if component.missing else load_config(component)


def _table(model: type[BaseModel]) -> Iterator[str]:
    yield "| key | default | what it is |"
    yield "|---|---|---|"
    for key, field in model.model_fields.items():
        yield f"| `{key}` | {_default(field)} | {_cell(field.description or '')} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "see its own keys"
    return f"`{_cell(str(list(value) if isinstance(value, tuple) else value))}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def _summary(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("summary:")]
    return lines[0].partition(":")[2].strip() if lines else ""


def _walk(
    group: click.Group, context: click.Context
) -> Iterator[tuple[list[str], click.Command, click.Context]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        yield inner.command_path.split(), command, inner
        if isinstance(command, click.Group):
            yield from _walk(command, inner)


def _home(module: str, name: str) -> str:
    """Where a name is defined, since lazy re-exports cannot be read from the source."""
    from importlib import import_module

    found = getattr(import_module(module), name)
    return f"{found.__module__}.{found.__qualname__}"
