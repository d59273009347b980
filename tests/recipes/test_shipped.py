"""Every recipe in the repository, at any depth, against the plugins that are installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from vicreg_core.plugins.registry import load_registry
from vicreg_core.recipes.catalogue import RecipeFile, recipe_files
from vicreg_core.recipes.check import check_recipe
from vicreg_core.recipes.load import dump_recipe, load_recipe

FOLDER = Path(__file__).resolve().parents[2] / "recipes"
SHIPPED = {path.relative_to(FOLDER).with_suffix("").as_posix(): path for path in recipe_files(FOLDER)}


@pytest.fixture(params=SHIPPED)
def shipped(request: pytest.FixtureRequest) -> RecipeFile:
    name = str(request.param)
    status = load_registry().status_of(name.partition("/")[0])
    if status and status.missing:
        pytest.skip(f"{', '.join(status.missing)} is not installed")
    return RecipeFile(name, SHIPPED[name])


def test_a_shipped_recipe_has_no_mistakes(shipped: RecipeFile) -> None:
    assert [str(problem) for problem in check_recipe(shipped, registry=load_registry()).problems] == []


def test_a_shipped_recipe_says_what_it_is_and_how_to_run_it(shipped: RecipeFile) -> None:
    header = [line for line in shipped.read().splitlines() if line.startswith("#")]
    assert any(f"vicreg train {shipped.label}" in line for line in header)
    checked = check_recipe(shipped, registry=None)
    assert checked.needs or (checked.recipe and checked.recipe.summary)


def test_a_resolved_recipe_loads_back_equal(shipped: RecipeFile, tmp_path: Path) -> None:
    if check_recipe(shipped, registry=None).needs:
        pytest.skip("leaves keys to its user")
    loaded = load_recipe(str(shipped.path))
    resolved = tmp_path / "recipe.yaml"
    resolved.write_text(dump_recipe(loaded), encoding="utf-8")
    assert load_recipe(str(resolved)).recipe == loaded.recipe
