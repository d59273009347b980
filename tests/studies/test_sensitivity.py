"""The map of settings: what is tried, what is said of it, and runs that fail."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from tests.evaluation.toy import RECIPE
from vicreg_core.cli.main import cli
from vicreg_core.recipes.load import load_recipe
from vicreg_core.studies.design import variation
from vicreg_core.studies.sensitivity import survey


def test_every_key_is_tried_around_the_recipes_value():
    loaded = load_recipe("vision/quickstart")
    what = survey(loaded, 5, [variation("train.views=2,3")])
    axes = {axis.key: axis for axis in what.axes}
    lr = axes["optimizer.lr"]
    own = loaded.recipe.optimizer.lr
    assert lr.values[2] == own
    assert lr.values[0] == pytest.approx(own / 10, rel=1e-2)
    assert lr.values[4] == pytest.approx(own * 10, rel=1e-2)
    assert list(axes)[-1] == "train.views"
    settings = what.settings()
    assert settings[0] == ()
    assert len(settings) == len(set(settings))
    assert ("objective.invariance=1.0", "objective.variance=1.0") in settings


def test_without_a_map_each_key_stands_alone():
    what = survey(load_recipe("vision/quickstart"), 3, grid=False)
    assert all(len(setting) <= 1 for setting in what.settings())
    other = survey(load_recipe("vision/quickstart", ["objective={name: core/info-nce}"]), 3)
    assert not other.grid


def run(tmp_path, *arguments):
    recipe = tmp_path / "toy.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    out = tmp_path / "study"
    result = CliRunner().invoke(cli, ["sensitivity", str(recipe), *arguments, "--out", str(out)])
    return result, out


@pytest.mark.usefixtures("toy_modality")
def test_a_run_that_fails_is_a_result_and_the_study_goes_on(tmp_path):
    import pyarrow.parquet as pq

    options = ("train.epochs=2", "--points", "3", "--no-map", "--vary", "optimizer.weight_decay=0,0.1")
    # Of a learning rate beyond float32 the second step is not finite.
    result, out = run(tmp_path, *options, "--vary", "optimizer.lr=1e-3,1e4", "optimizer.name=sgd")
    assert result.exit_code == 0, result.output
    table = pq.read_table(out / "study.parquet").to_pylist()
    assert {row["setting"] for row in table} >= {"", "optimizer.weight_decay=0.1"}
    assert (out / "sensitivity.html").read_text(encoding="utf-8").count("<svg") >= 1
    failed = list(out.glob("runs/*/failed.json"))
    assert failed
    assert "failed" in result.output
    again, _ = run(tmp_path, *options, "--vary", "optimizer.lr=1e-3,1e4", "optimizer.name=sgd")
    assert "runs are done already" in again.output
    assert "done:" not in again.output


def test_bad_options_are_one_message(tmp_path):
    for arguments, message in (
        (["--points", "4"], "expected an odd number"),
        (["--vary", "optimizer.lr=1"], "expected KEY=VALUE,VALUE"),
        (["--vary", "optimizer.lrr=1,2"], "optimizer.lrr"),
    ):
        result = CliRunner().invoke(
            cli, ["sensitivity", "vision/quickstart", *arguments, "--out", str(tmp_path / "none")]
        )
        assert result.exit_code == 2, result.output
        assert message in result.output
        assert "Traceback" not in result.output
        assert not (tmp_path / "none").exists()
