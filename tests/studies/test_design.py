"""What a study runs, and what may be said of its scores."""

from __future__ import annotations

import math

import pytest

from vicreg_core.errors import RecipeError
from vicreg_core.studies.design import Design, split, variation
from vicreg_core.studies.requests import SUPERVISED, supervised_methods
from vicreg_core.studies.statistics import Summary, paired, who_leads


def design(*methods, **keys):
    return Design("vision/quickstart", ("train.epochs=2",), methods, **keys)


def test_every_method_setting_and_seed_is_a_run():
    cells = design(
        "core/vicreg", "core/info-nce", settings=variation("optimizer.lr=1e-3,3e-3").settings, seeds=2
    ).cells()
    assert len({cell.name for cell in cells}) == len(cells) == 8
    assert cells[1] == (
        "core/info-nce",
        "optimizer.lr=1e-3",
        0,
        ("train.epochs=2", 'objective={"name": "core/info-nce"}', "optimizer.lr=1e-3", "seed=0"),
    )
    assert cells[1].group == "core/info-nce, optimizer.lr=1e-3"
    assert [cell.seed for cell in cells] == [0] * 4 + [1] * 4


def test_a_recipe_keeps_the_weights_of_its_own_objective():
    study = Design("vision/quickstart", ("objective.variance=50",), ("core/vicreg", "core/sigreg"))
    own, other = (study.load(cell).recipe.objective for cell in study.cells())
    assert own.options["variance"] == 50
    assert other.name == "core/sigreg"
    assert "variance" not in other.options


def test_a_sum_is_a_hybrid():
    study = design("core/vicreg+0.1*core/info-nce+core/sigreg")
    (cell,) = study.cells()
    added = study.load(cell).recipe.objective.also
    assert [(each.name, each.weight) for each in added] == [("core/info-nce", 0.1), ("core/sigreg", 1.0)]
    assert "/" not in cell.name


def test_a_method_has_keys_of_its_own():
    study = design("core/supervised@objective.dropout=0.5@optimizer.weight_decay=0.1", "core/vicreg")
    first, second = (study.load(cell).recipe for cell in study.cells())
    assert first.objective.options["dropout"] == 0.5
    assert first.optimizer.weight_decay == 0.1 != second.optimizer.weight_decay
    with pytest.raises(RecipeError, match="expected KEY=VALUE, got 'dropout'"):
        design("core/vicreg@dropout").cells()


def test_a_budget_of_samples_stretches_the_steps():
    study = Design(
        "vision/quickstart",
        ("train.steps=100", "train.batch_size=64"),
        ("core/vicreg",),
        variation("train.batch_size=32,128").settings,
        equal_samples=True,
    )
    assert [study.load(cell).recipe.train.steps for cell in study.cells()] == [200, 50]


def test_values_in_brackets_keep_their_commas():
    assert split("a,{b: [1, 2], c: 3}, d ,") == ["a", "{b: [1, 2], c: 3}", "d"]


@pytest.mark.parametrize("method", ["0.5*core/vicreg", "core/vicreg+", "core/vicreg+x*core/sigreg", "a+-1*b"])
def test_what_is_no_sum_is_refused(method):
    with pytest.raises(RecipeError, match="is no sum of objectives"):
        design(method).cells()


@pytest.mark.parametrize("text", ["optimizer.lr", "optimizer.lr=1", "=1,2", "seed=1,1"])
def test_what_varies_nothing_is_refused(text):
    with pytest.raises(RecipeError, match="expected KEY=VALUE,VALUE"):
        variation(text)


def test_a_budget_of_seconds_sets_the_steps_of_each_method():
    study = Design("vision/quickstart", (), ("core/vicreg", "core/sigreg"), steps={"core/sigreg": 7})
    first, second = (study.load(cell).recipe.train for cell in study.cells())
    assert (first.epochs, first.steps) == (80, None)
    assert (second.epochs, second.steps) == (None, 7)


def test_differences_are_paired_by_seed():
    # Differences 0.02, 0.04, 0.03: mean 0.03, standard error 0.01 / sqrt(3), t = 4.303 at two degrees.
    apart = paired(Summary((0.52, 0.74, 0.63)), Summary((0.5, 0.7, 0.6)))
    assert apart.mean == pytest.approx(0.03)
    assert apart.high - apart.mean == pytest.approx(4.3027 * 0.01 / math.sqrt(3), rel=1e-4)
    assert apart.is_clear
    assert not paired(Summary((0.5, 0.7)), Summary((0.6, 0.5))).is_clear
    assert not paired(Summary((0.9,)), Summary((0.1,))).is_clear


def test_a_seed_that_failed_is_left_out_of_its_pair():
    whole, lacking = Summary((0.5, 0.9, 0.6), (0, 1, 2)), Summary((0.4, 0.5), (0, 2))
    assert paired(whole, lacking).mean == pytest.approx(0.1)
    assert paired(lacking, whole).mean == pytest.approx(-0.1)
    assert "over 2 seeds" in who_leads({"a": whole, "b": lacking}, "knn")
    assert not paired(Summary((0.5,), (0,)), Summary((0.4,), (1,))).is_clear


def test_who_leads_is_said_with_its_doubt():
    near = {"a": Summary((0.50, 0.70)), "b": Summary((0.60, 0.58))}
    assert "a leads with 0.600, then b with 0.590" in who_leads(near, "knn")
    assert who_leads(near, "knn").endswith("over 2 seeds: no clear lead")
    far = {"a": Summary((0.50, 0.70, 0.6)), "b": Summary((0.60, 0.80, 0.70001))}
    assert who_leads(far, "knn").endswith("the lead is clear")
    assert "allows no claim" in who_leads({"a": Summary((0.5,)), "b": Summary((0.6,))}, "knn")
    assert who_leads({"a": Summary((0.5,))}, "knn") == ""


def test_vcreg_is_among_the_supervised_where_the_encoder_has_feature_maps():
    assert supervised_methods(Design("vision/quickstart", (), ())) == (SUPERVISED, None)
    methods, left_out = supervised_methods(Design("text/quickstart", (), ()))
    assert methods == SUPERVISED[:-1]
    assert left_out is not None
    assert "encoder text/bag does not offer" in left_out
