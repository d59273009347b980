"""Opening the samples of a recipe, once or for each who asks."""

from __future__ import annotations

import pytest

from tests.evaluation.toy import make_run
from vicreg_core.data.splits import open_data, opened_once
from vicreg_core.recipes.load import load_recipe

pytestmark = pytest.mark.usefixtures("toy_modality")


@pytest.fixture
def of_run(tmp_path):
    """Opens the samples of a run's recipe, loaded anew each time."""
    make_run(tmp_path / "run")

    def open_again(*overrides):
        loaded = load_recipe(str(tmp_path / "run" / "recipe.yaml"), overrides)
        return open_data(loaded.recipe.data, loaded.configs["dataset"], loaded.recipe.seed)

    return open_again


def test_each_who_asks_opens_anew(of_run):
    assert of_run()[0] is not of_run()[0]


def test_opened_once(of_run):
    with opened_once():
        train, test = of_run()
        assert of_run() == (train, test)
        assert of_run("train.epochs=2") == (train, test)
        assert of_run("seed=1")[0] is not train
        assert of_run("data.holdout=0.4")[0] is not train
    assert of_run()[0] is not train
