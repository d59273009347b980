from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recipes.planted import GOOD, YOURS, planted_registry, write
from vicreg_core.errors import RecipeError
from vicreg_core.recipes.load import LoadedRecipe, dump_recipe, fingerprint, load_recipe
from vicreg_core.recipes.problems import InvalidRecipeError


@pytest.fixture
def good(tmp_path: Path) -> str:
    return str(write(tmp_path / "good.yaml", GOOD).path)


def load(ref: str, *overrides: str) -> LoadedRecipe:
    return load_recipe(ref, overrides, registry=planted_registry())


def test_a_recipe_loads_with_its_configs(good: str) -> None:
    loaded = load(good, "seed=7")
    assert loaded.source == good
    assert loaded.recipe.seed == 7
    assert set(loaded.configs) == {"dataset", "augmentation", "encoder", "objective"}
    assert loaded.data["encoder"]["widths"] == [32, 64]
    assert "required" not in loaded.data


def test_mistakes_are_one_error_that_lists_them(good: str) -> None:
    with pytest.raises(InvalidRecipeError) as caught:
        load(good, "train.views=1", "sed=1")
    assert str(caught.value).splitlines() == [
        f"recipe {good} has 2 problems:",
        "  command line: train.views: expected a whole number from 2 to 16, got 1",
        "  command line: sed: unknown key; did you mean 'seed'?",
    ]


def test_a_recipe_that_needs_something_says_what_to_type(tmp_path: Path) -> None:
    ref = str(write(tmp_path / "my recipe.yaml", YOURS).path)
    with pytest.raises(RecipeError) as caught:
        load(ref, "seed=3")
    assert str(caught.value).splitlines() == [
        f"recipe {ref} leaves 1 key to you:",
        "  data.path: a folder of files",
        "Type, with your own in place of the capitals:",
        f"  vicreg train '{ref}' seed=3 data.path=PATH",
    ]


def test_without_components_options_stay_as_written(good: str) -> None:
    loaded = load_recipe(good, components=False, registry=planted_registry())
    assert loaded.recipe.encoder.options == {"kernel": 5}
    assert loaded.configs == {}


def test_a_dumped_recipe_is_read_by_yaml_1_1_as_well(good: str) -> None:
    loaded = load(good)
    assert yaml.safe_load(dump_recipe(loaded)) == loaded.data


SMALL = st.floats(1e-300, 1e300)
OVERRIDES = st.fixed_dictionaries(
    {},
    optional={
        "seed": st.integers(0, 2**32 - 1),
        "summary": st.text(st.characters(codec="utf-8"), max_size=20),
        "data.holdout": st.floats(0, 1),
        "data.workers": st.just("auto") | st.integers(0, 9),
        "augmentation.strength": st.floats(allow_nan=False, allow_infinity=False),
        "encoder.widths": st.lists(st.integers(1, 512), max_size=4),
        "encoder.blocks": st.lists(st.fixed_dictionaries({"width": st.integers(1, 9)}), max_size=2),
        "projector.dims": st.lists(st.integers(1, 10**6), min_size=1, max_size=3),
        "optimizer.lr": st.floats(1e-300, 1e4),
        "optimizer.clip_grad_norm": st.none() | SMALL,
        "optimizer.betas": st.tuples(
            st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True)
        ).map(list),
        "train.ema": st.none() | st.floats(0.5, 0.999),
        "evaluate.protocols": st.lists(
            st.sampled_from(["knn", "linear", "toy/pairs"]), max_size=3, unique=True
        ),
    },
)


@settings(deadline=None, max_examples=50)
@given(OVERRIDES)
def test_a_dumped_recipe_loads_back_equal(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]
) -> None:

    folder = tmp_path_factory.getbasetemp()
    source = write(folder / "in.yaml", GOOD)
    loaded = load(str(source.path), *(f"{key}={json.dumps(value)}" for key, value in values.items()))
    again = load(str(write(folder / "out.yaml", dump_recipe(loaded)).path))
    assert again.recipe == loaded.recipe
    assert again.configs == loaded.configs
    assert fingerprint(again.recipe) == fingerprint(loaded.recipe)
    assert dump_recipe(again) == dump_recipe(loaded)


TRAINING = (
    "seed=1 data.holdout=0.5 encoder.kernel=7 augmentation.strength=1 projector.dims=[8] "
    "objective.strength=2 optimizer.lr=1 train.epochs=4 train.batch_size=32 train.precision=float32 "
    "train.views=4 train.ema=0.9 train.compile=true data=toy/folder"
)
HOUSEKEEPING = (
    "summary=other data.workers=3 train.device=cpu train.log_every=1 train.keep_checkpoints=9 "
    "train.checkpoint_every=5 monitor.on_collapse=stop evaluate.protocols=[knn] encoder.pool=mean"
)


@pytest.mark.parametrize("override", TRAINING.split())
def test_what_changes_the_training_changes_the_fingerprint(good: str, override: str) -> None:
    further = ["data.path=x"] if "folder" in override else []
    assert fingerprint(load(good, override, *further).recipe) != fingerprint(load(good).recipe)


@pytest.mark.parametrize("override", HOUSEKEEPING.split())
def test_what_does_not_change_the_training_leaves_the_fingerprint(good: str, override: str) -> None:
    assert fingerprint(load(good, override).recipe) == fingerprint(load(good).recipe)


def test_a_default_counts_as_if_it_were_written(good: str) -> None:
    written = load(good, "optimizer.lr=0.3", "encoder.dropout=0")
    assert fingerprint(written.recipe) == fingerprint(load(good).recipe)
