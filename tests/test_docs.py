"""The documentation names what there is: hooks, links, files, commands and their options, recipe keys."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from tests.documentation import PAGES, ROOT, blocks_of, vicreg_commands
from vicreg_core.cli.main import cli
from vicreg_core.errors import VicregError
from vicreg_core.plugins import hookspecs
from vicreg_core.plugins.registry import load_registry
from vicreg_core.recipes.catalogue import find_recipe
from vicreg_core.recipes.check import check_recipe

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def hooks() -> dict[str, str]:
    functions = inspect.getmembers(hookspecs, inspect.isfunction)
    return {name: f"{name}{inspect.signature(f)}" for name, f in functions if name.startswith("vicreg_")}


def test_every_hook_has_a_heading_with_its_exact_signature():
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    documented = re.findall(r"^### `(vicreg_.*)`$", page, flags=re.M)
    expected = [signature.replace("'", "") for signature in hooks().values()]
    assert len(expected) == 7
    assert sorted(documented) == sorted(expected)


@each_page
def test_no_link_is_dead(page):
    for target in re.findall(r"\]\(([^)]+)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors_of(linked), f"{page.name} links to {target}"


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.M)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@each_page
def test_files_named_in_code_spans_exist(page):
    spans = re.findall(
        r"`((?:vicreg_core|plugins|recipes|tests|docs|benchmarks)/[\w./-]+)`", page.read_text()
    )
    for span in spans:
        assert (ROOT / span).exists(), f"{page.name} names {span}"


@each_page
def test_every_command_parses(page):
    for words in vicreg_commands(page):
        line = " ".join(["vicreg", *words])
        context = click.Context(cli, info_name="vicreg")
        command, rest = cli, words
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            name, inner, rest = command.resolve_command(context, rest)
            assert inner is not None, f"{page.name}: {line}"
            context = click.Context(inner, info_name=name, parent=context)
            command = inner
        if {"--help", "--version"} & set(rest):
            continue
        try:
            parsed = command.make_context("vicreg", list(rest), parent=context.parent)
        except click.ClickException as error:
            pytest.fail(f"{page.name}: {line}: {error.format_message()}")
        given = parsed.params.get("recipe") or (parsed.params.get("name") if words[0] == "recipe" else None)
        if given and not given.endswith((".yaml", ".yml")):
            check_overrides(page.name, line, given, parsed.params.get("overrides", ()))


def check_overrides(page: str, line: str, recipe: str, overrides: tuple[str, ...]) -> None:
    """The recipe exists and takes the keys, where its plugin is installed."""
    plugin = recipe.partition("/")[0]
    registry = load_registry()
    status = registry.status_of(plugin)
    if status is None or status.missing:
        return
    try:
        problems = check_recipe(find_recipe(recipe, registry), overrides, registry=registry).problems
    except VicregError as error:
        pytest.fail(f"{page}: {line}: {error}")
    assert not problems, f"{page}: {line}: {problems[0]}"


@each_page
def test_python_is_python_and_imports_what_there_is(page):
    for block in blocks_of(page):
        tree = ast.parse(block.text if block.language == "python" else "")
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("vicreg_core"):
                module = import_module(node.module)
                missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
                assert not missing, f"{page.name}: from {node.module} import {missing}"


def test_the_reference_is_generated_from_the_code(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs" / "_site")
    import generated

    recipes, commands = generated.recipes_page(), generated.commands_page()
    assert "| `invariance` | `25.0` | weight: views of a sample agree |" in recipes
    assert "| `batch_size` | `256` | samples a step over all processes |" in recipes
    assert "| `vision/folder` | `data.path` |" in recipes
    assert "--nproc INTEGER RANGE" in commands
    assert set(re.findall(r"^## `vicreg (\w+)`$", commands, flags=re.M)) == set(cli.entries)
    assert "::: vicreg_core.objectives.vicreg.VICRegLoss" in generated.python_page()
    del sys.modules["generated"]


@pytest.mark.slow
def test_the_site_builds_strictly_and_asks_the_network_for_nothing(tmp_path):
    build = pytest.importorskip("mkdocs.commands.build", reason="needs vicreg-suite[docs]")
    from mkdocs.config import load_config

    build.build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path)))
    asked = r'<(?:script|link|img)[^>]+(?:src|href)="(?!#|data:)(?:https?:)?//'
    for page in tmp_path.rglob("*.html"):
        assert not re.findall(asked, page.read_text(encoding="utf-8")), page
    assert (tmp_path / "reference" / "commands.html").is_file()
