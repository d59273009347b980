"""How a recipe writes protocols: by name, with options, and as earlier versions did."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from tests.recipes.planted import GOOD, YOURS, check, planted_registry, told, write
from vicreg_core.evaluation.protocols.config import FinetuneConfig, LabelFractionsConfig, LinearConfig
from vicreg_core.recipes.check import check_recipe
from vicreg_core.recipes.schema import LabelTraining

FEW = "evaluate.protocols=[knn, {name: label-fractions, fractions: [0.05]}]"


def test_names_and_names_with_options(tmp_path: Path) -> None:
    checked = check(tmp_path, GOOD, FEW)
    assert checked.problems == ()
    assert checked.protocols == {"knn": None, "label-fractions": LabelFractionsConfig(fractions=(0.05,))}
    assert checked.recipe is not None
    knn, few = checked.recipe.evaluate.protocols
    assert (knn.name, knn.options) == ("knn", {})
    assert few.options == {"fractions": [0.05], "balanced": False}


def test_the_defaults_are_checked_and_written_out_too(tmp_path: Path) -> None:
    checked = check(tmp_path, GOOD)
    assert checked.protocols == {"knn": None, "linear": LinearConfig()}
    assert checked.recipe is not None
    assert checked.recipe.evaluate.protocols[1].options == {"balanced": False}


def test_the_cores_may_be_named_in_full(tmp_path: Path) -> None:
    full = check(tmp_path, GOOD, "evaluate.protocols=[core/knn, {name: core/linear, balanced: true}]")
    assert full.protocols == {"knn": None, "linear": LinearConfig(balanced=True)}


def test_mistakes_in_options_say_where(tmp_path: Path) -> None:
    text = GOOD + (
        "evaluate:\n"
        "  protocols:\n"
        "    - {name: label-fractions, fractions: [1.5]}\n"
        "    - name: linear\n"
        "      balancd: true\n"
        "    - {name: toy/pairs, k: 3}\n"
        "    - linear\n"
        "    - {names: knn}\n"
    )
    found = told(check(tmp_path, text))
    start = len(GOOD.splitlines()) + 3
    assert "above 0 and below 1" in found[start, "evaluate.protocols[0].fractions[0]"]
    assert "did you mean 'balanced'" in found[start + 2, "evaluate.protocols[1].balancd"]
    assert "unknown key" in found[start + 3, "evaluate.protocols[2].k"]
    assert "listed twice" in found[start + 4, "evaluate.protocols[3]"]
    assert any(key.startswith("evaluate.protocols[4]") for _, key in found)


def test_asking_for_protocols_takes_the_options_that_the_recipe_gives_them(tmp_path: Path) -> None:
    file, registry = write(tmp_path / "r.yaml", GOOD), planted_registry()
    asked = check_recipe(
        file, [FEW], registry=registry, protocols=["label-fractions", "rank", "rank"], supervised=True
    )
    assert asked.protocols == {"label-fractions": LabelFractionsConfig(fractions=(0.05,)), "rank": None}
    assert asked.recipe is not None
    assert asked.recipe.evaluate.label_training == LabelTraining()
    given = [FEW, "evaluate.supervised={draws: 3}"]
    kept = check_recipe(file, given, registry=registry, supervised=True).recipe
    assert kept is not None
    assert kept.evaluate.label_training == LabelTraining(draws=3)
    assert [each.name for each in kept.evaluate.protocols] == ["knn", "label-fractions"]


def test_former_keys_become_options_and_are_told(tmp_path: Path) -> None:
    text = GOOD + (
        "evaluate:\n"
        "  protocols: [linear, label-fractions, finetune]\n"
        "  supervised: true\n"
        "  fractions: [0.05]\n"
        "  balanced: true\n"
        "  finetune: {lr: 1e-3, draws: 2}\n"
    )
    with pytest.warns(UserWarning, match="Write instead") as caught:
        checked = check(tmp_path, text)
    assert checked.problems == ()
    assert checked.protocols == {
        "linear": LinearConfig(balanced=True),
        "label-fractions": LabelFractionsConfig(fractions=(0.05,), balanced=True),
        "finetune": FinetuneConfig(fractions=(0.05,), balanced=True, lr=1e-3, draws=2),
    }
    assert checked.recipe is not None
    assert checked.recipe.evaluate.supervised == LabelTraining(lr=1e-3, draws=2)
    lines = [str(each.message) for each in caught]
    assert len(lines) == 4
    assert "evaluate.fractions is an option of each protocol that uses it" in lines[0]
    assert "Write instead: evaluate.protocols=[{name: label-fractions, fractions: [0.05]}]" in lines[0]


def test_what_is_wrong_in_a_former_key_points_at_its_line(tmp_path: Path) -> None:
    text = GOOD + "evaluate:\n  protocols: [label-fractions]\n  fractions: [7]\n"
    with pytest.warns(UserWarning, match="option of each protocol"):
        found = told(check(tmp_path, text))
    assert [line for line, _ in found] == [len(text.splitlines())]


def test_a_former_key_that_no_protocol_uses_is_told(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"evaluate\.finetune\.lr is without effect"):
        assert check(tmp_path, GOOD, "evaluate.finetune.lr=0.1").problems == ()


def test_former_defaults_which_every_kept_recipe_wrote_out_are_passed_over(tmp_path: Path) -> None:
    former = (
        "evaluate: {fractions: [0.01, 0.1], balanced: false, finetune: {budget: 1.0, lr: null, "
        "weight_decay: 0.05, draws: 1}, protocols: [knn]}\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checked = check(tmp_path, GOOD + former)
    assert checked.problems == ()
    assert checked.protocols == {"knn": None}


@pytest.mark.parametrize(
    "value", ["3", "{a: 1}", "[[1]]", "[{name: 4}]", "[{name: {a: 1}}]", "null", "[null]"]
)
def test_no_list_of_protocols_at_all(tmp_path: Path, value: str) -> None:
    assert check(tmp_path, GOOD, f"evaluate.protocols={value}").problems


@pytest.mark.parametrize("value", ["3", "null", "[1]", "{finetune: 3}", "{finetune: {lr: {a: 1}}}"])
def test_no_section_at_all(tmp_path: Path, value: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checked = check(tmp_path, GOOD + f"evaluate: {value}\n")
    assert checked.problems or "lr" in value


def test_what_a_recipe_leaves_to_its_user_stays_named(tmp_path: Path) -> None:
    assert dict(check(tmp_path, YOURS).needs) == {"data.path": "a folder of files"}
