"""A damaged recipe of a run: written anew at a resume, beside what was found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drills.test_kill import RECIPE
from vicreg_core.errors import RecipeError, RunError
from vicreg_core.recipes.load import load_recipe
from vicreg_core.runs.directory import RunDirectory
from vicreg_core.training.session import train_run

SHORT = [*RECIPE, "train.steps=2"]


def train(folder: Path, *overrides: str) -> None:
    loaded = load_recipe("vision/quickstart", [*SHORT, *overrides])
    train_run(loaded, RunDirectory(folder), resume=True, overwrite=False)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    train(tmp_path / "run")
    recipe = tmp_path / "run" / "recipe.yaml"
    recipe.write_bytes(recipe.read_bytes().replace(b"batch_size: 32", b"batch_size: 30"))
    with pytest.raises(RecipeError, match="--resume writes it anew"):
        load_recipe(str(recipe))
    return tmp_path / "run"


def test_a_resume_writes_it_anew_and_keeps_what_was_found(run: Path, capsys: pytest.CaptureFixture[str]):
    train(run)
    assert load_recipe(str(run / "recipe.yaml")).recipe.train.batch_size == 32
    assert b"batch_size: 30" in (run / "damaged-recipe.yaml").read_bytes()
    assert "it is kept as damaged-recipe.yaml" in capsys.readouterr().err


def test_another_recipe_is_still_refused_by_the_checkpoints(run: Path):
    with pytest.raises(RunError, match="another recipe"):
        train(run, "train.batch_size=64")
