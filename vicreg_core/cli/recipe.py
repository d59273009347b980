"""``vicreg recipe``: list, show, copy and check recipes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vicreg_core.cli.output import print_json, print_table, stderr_block
from vicreg_core.errors import RecipeError
from vicreg_core.plugins import registry as plugins
from vicreg_core.recipes.catalogue import RecipeFile, find_recipe, recipe_files, shipped_recipes

if TYPE_CHECKING:
    from vicreg_core.recipes.check import CheckedRecipe


@click.group()
def recipe() -> None:
    """List, show, copy and check recipes."""


@recipe.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_recipes(as_json: bool) -> None:
    """List the recipes of all plugins."""
    registry = plugins.load_registry()
    shipped = [_summary(file) for file in shipped_recipes(registry)]
    if as_json:
        print_json(shipped)
        return
    rows = [(each["name"], ", ".join(each["required"]), each["summary"]) for each in shipped]
    print_table(["recipe", "you give", "summary"], rows)
    for status in registry.statuses:
        if status.problem:
            stderr_block("Note:", f"{status.problem}; its recipes are not listed", "yellow")


@recipe.command()
@click.argument("name")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--resolved", is_flag=True, help="Print every key with its value, defaults included.")
def show(name: str, overrides: tuple[str, ...], resolved: bool) -> None:
    """Print the recipe NAME, a shipped name or a YAML file.

    With KEY=VALUE or --resolved, print what a run with them would use.
    """
    if resolved or overrides:
        from vicreg_core.recipes.load import dump_recipe, load_recipe

        loaded = load_recipe(name, overrides, registry=plugins.load_registry(), command="vicreg recipe show")
        click.echo(dump_recipe(loaded), nl=False)
    else:
        click.echo(find_recipe(name, plugins.load_registry()).read(), nl=False)


@recipe.command()
@click.argument("name")
@click.argument("destination", type=click.Path(path_type=Path), required=False)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def copy(name: str, destination: Path | None, force: bool) -> None:
    """Copy the recipe NAME to DESTINATION, a file or folder, to edit it."""
    from vicreg_core.recipes.copying import copy_recipe

    target = copy_recipe(find_recipe(name, plugins.load_registry()), destination, force=force)
    click.echo(f"copied to {target}; edit it, then: vicreg train {target}")


@recipe.command()
@click.argument("refs", nargs=-1, required=True, metavar="RECIPE... [KEY=VALUE]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--schema-only", is_flag=True, help="Leave out what the components say of their own keys.")
def check(refs: tuple[str, ...], as_json: bool, schema_only: bool) -> None:
    """Check recipes: shipped names, YAML files and folders of them.

    All mistakes of a recipe are listed, each with its place. The exit code is 2 if there are any.
    """
    from vicreg_core.recipes.overrides import is_override

    registry = plugins.load_registry()
    overrides = [ref for ref in refs if is_override(ref)]
    files = [file for ref in refs if not is_override(ref) for file in _expand(ref, registry)]
    if not files:
        raise click.UsageError("no recipe is given, only KEY=VALUE")
    results = [_check(file, overrides, None if schema_only else registry) for file in files]
    failed = sum(bool(checked.problems) for checked in results)
    if as_json:
        print_json({"ok": not failed, "recipes": [_record(checked) for checked in results]})
    else:
        for checked in results:
            _print_checked(checked)
    if failed:
        raise RecipeError(f"{failed} of {len(results)} checked failed")


def _summary(file: RecipeFile) -> dict[str, Any]:
    from vicreg_core.recipes.yaml import read_yaml

    try:
        document = read_yaml(file.read(), str(file.path))
        problem = str(document.problems[0]) if document.problems else ""
        data = document.data if isinstance(document.data, dict) else {}
    except RecipeError as error:
        data, problem = {}, str(error)
    required = data.get("required")
    return {
        "name": file.label,
        "summary": f"cannot be read: {problem}" if problem else str(data.get("summary", "")),
        "required": required if isinstance(required, dict) else {},
        "path": str(file.path),
    }


def _expand(ref: str, registry: plugins.Registry) -> list[RecipeFile]:
    """The recipes an argument of ``check`` means."""
    folder = Path(ref)
    if not folder.is_dir():
        return [find_recipe(ref, registry)]
    files = [RecipeFile(str(path), path) for path in recipe_files(folder)]
    if not files:
        raise RecipeError(f"there is no .yaml file in the folder {ref}, nor in any folder inside it")
    return files


def _check(file: RecipeFile, overrides: Sequence[str], registry: plugins.Registry | None) -> CheckedRecipe:
    from vicreg_core.recipes.check import CheckedRecipe, check_recipe
    from vicreg_core.recipes.problems import Place, Problem

    try:
        return check_recipe(file, overrides, registry=registry)
    except RecipeError as error:
        return CheckedRecipe(file, (Problem(Place(str(file.path)), "", str(error)),), {}, None, {})


def _record(checked: CheckedRecipe) -> dict[str, Any]:
    return {
        "recipe": checked.file.label,
        "path": str(checked.file.path),
        "ok": not checked.problems,
        "needs": dict(checked.needs),
        "problems": [problem.as_json() for problem in checked.problems],
    }


def _print_checked(checked: CheckedRecipe) -> None:
    from vicreg_core.recipes.load import placeholder

    click.echo(f"{'FAIL' if checked.problems else 'ok':<5} {checked.file.label}")
    for problem in checked.problems:
        click.echo(f"      {problem}")
    for key, what in checked.needs.items():
        click.echo(f"      needs {placeholder(key)} on the command line: {what}")
