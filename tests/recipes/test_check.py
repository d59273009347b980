from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recipes.planted import GOOD, YOURS, ConvConfig, check, planted_registry, told, write
from vicreg_core.plugins import builtin
from vicreg_core.recipes.check import check_recipe

MANY_MISTAKES = """\
sumary: a page of mistakes
seed: -1
data:
  name: toy/digit
  holdout: 2
augmentation:
  name: toy/noise
  stregth: 1
encoder:
  name: toy/conv
  kernel: 12
  widths: [32, big]
  block: {witdh: 3}
projector: {dims: []}
optimizer:
  name: adam
  lr: 0
  lr: 1
  weight_decay: 010
train:
  epochs: ten
  log_every: 10.0
  compile: yes
  wieght_decay: 1
  precision: float8
monitor: stop
evaluate: {protocols: [knnn, pairs, wreck/pairs]}
"""


def test_every_mistake_of_a_file_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    checked = check(tmp_path, MANY_MISTAKES)
    assert told(checked) == {
        (1, "sumary"): "unknown key; did you mean 'summary'?",
        (2, "seed"): "expected a whole number of at least 0, got -1",
        (4, "data.name"): "unknown dataset 'toy/digit'; did you mean 'toy/digits'? "
        "(there are: toy/digits, toy/folder)",
        (5, "data.holdout"): "expected a number from 0 to 1, got 2",
        (8, "augmentation.stregth"): "unknown key; did you mean 'strength'?",
        (11, "encoder.kernel"): "expected a whole number from 1 to 11, got 12",
        (12, "encoder.widths[1]"): "expected a whole number above 0, got 'big'",
        (13, "encoder.block.witdh"): "unknown key; did you mean 'width'?",
        (14, "projector.dims"): "expected a list of at least 1, each a whole number above 0, got []",
        (16, "optimizer.name"): "expected one of 'lars', 'sgd', 'adamw', got 'adam'; did you mean 'adamw'?",
        (18, "optimizer.lr"): "this key is given twice; first in line 17",
        (19, "optimizer.weight_decay"): "010 is ambiguous, for some read it as octal; "
        "write 10 for the number and '010' for text",
        (21, "train.epochs"): "expected a whole number above 0 or null, got 'ten'",
        (22, "train.log_every"): "expected a whole number above 0, got 10.0; write 10",
        (23, "train.compile"): "expected true or false, got 'yes'",
        (24, "train.wieght_decay"): "unknown key here; did you mean 'optimizer.weight_decay'?",
        (25, "train.precision"): "expected one of 'auto', 'float32', 'bfloat16', 'float16', "
        "got 'float8'; did you mean 'float32'?",
        (
            26,
            "monitor",
        ): "expected a mapping with keys from: on_collapse, window, probes, probe_samples, got 'stop'",
        (27, "evaluate.protocols[0]"): f"unknown protocol 'knnn'; did you mean 'knn'? {_protocols()}",
        (27, "evaluate.protocols[1]"): f"unknown protocol 'pairs'; did you mean 'toy/pairs'? {_protocols()}",
        (
            27,
            "evaluate.protocols[2]",
        ): "protocol 'wreck/pairs' cannot be used: plugin 'wreck' (wreck-plugin 2) "
        "is not usable: ZeroDivisionError: division by zero",
    }
    lines = [problem.place.line or 0 for problem in checked.problems]
    assert lines == sorted(lines)
    assert checked.recipe is None


def _protocols() -> str:
    names = sorted(f"core/{spec.name}" for spec in builtin.vicreg_protocols())
    return f"(there are: {', '.join([*(name.removeprefix('core/') for name in names), 'toy/pairs'])})"


def test_a_good_recipe_has_its_defaults_written_out(tmp_path: Path) -> None:
    checked = check(tmp_path, GOOD, "encoder.widths=[8]")
    assert checked.problems == ()
    assert checked.recipe is not None
    assert checked.recipe.encoder.options["pool"] == "mean"
    assert checked.recipe.augmentation.options == {"strength": 0.1}
    assert checked.configs["encoder"] == ConvConfig(widths=(8,), kernel=5)
    assert checked.configs["dataset"] is None
    assert checked.configs["objective"] is not None


def test_the_schema_phase_alone_leaves_components_be(tmp_path: Path) -> None:
    text = GOOD.replace("toy/conv", "nowhere/conv").replace("kernel: 5", "anything: 5")
    checked = check_recipe(write(tmp_path / "r.yaml", text), registry=None)
    assert checked.problems == ()
    assert checked.recipe is not None
    assert checked.recipe.encoder.options == {"anything": 5}


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("toy/conv", "conv", "encoder.name", "<plugin>/<component>, got 'conv'; did you mean 'toy/conv'?"),
        ("toy/conv", "cnov", "encoder.name", "<plugin>/<component>, got 'cnov'; did you mean 'toy/conv'?"),
        ("toy/conv", "yot/conv", "encoder.name", "no plugin 'yot' is installed"),
        ("toy/conv", "toy/digits", "encoder.name", "of kind dataset, where one of kind encoder is expected"),
        ("toy/conv", "toy/huge", "encoder.name", "pip install 'toy-plugin[huge]'"),
        ("toy/conv", "wreck/conv", "encoder.name", "ZeroDivisionError"),
        (
            "name: toy/conv",
            "nam: toy/conv",
            "encoder.name",
            "is missing; expected <plugin>/<component>; is 'nam' meant",
        ),
        ("name: toy/conv", "name: 3", "encoder.name", "expected <plugin>/<component>, got 3"),
        ("toy/digits", "toy/folder", "data.path", "this key is missing; expected text"),
        (
            "toy/digits",
            "toy/digits, shuffle: true",
            "data.shuffle",
            "there are: name, holdout, labels, label_count, unlabelled, workers",
        ),
        ("toy/digits", "toy/digits, batchsize: 3", "data.batchsize", "did you mean 'train.batch_size'?"),
        ("toy/digits", "toy/digits, worker: 3", "data.worker", "did you mean 'workers'?"),
        ("epochs: 3,", "", "train", "expected exactly one of 'epochs' and 'steps', got neither"),
        ("epochs: 3", "epochs: 3, steps: 9", "train.steps", "got both; set the one you do not want to null"),
        (
            "epochs: 3",
            "epochs: 3, ema: .nan",
            "train.ema",
            "below 1 or null, got NaN; it must be finite",
        ),
        ("batch_size: 64", "batch_size:", "train.batch_size", "got null"),
        (
            "train:",
            "optimizer: {betas: [0.5]}\ntrain:",
            "optimizer.betas",
            "a list of 2: each a number",
        ),
        ("train:", "trian:", "train", "expected a mapping with keys from: epochs, steps, batch_size"),
        ("train:", "trian:", "trian", "unknown key; did you mean 'train'?"),
    ],
)
def test_one_mistake_is_told_once(tmp_path: Path, old: str, new: str, key: str, message: str) -> None:
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    found = {problem.key: problem.message for problem in check(tmp_path, text).problems}
    assert message in found[key]
    assert len(found) == (2 if "trian" in new else 1)


def test_a_rule_over_two_keys_is_told_in_the_words_of_its_author(tmp_path: Path) -> None:
    text = GOOD.replace("toy/digits", "toy/folder, path: x, classes: table")
    assert told(check(tmp_path, text)) == {(3, "data"): "expected 'table' exactly where 'classes' is 'table'"}


def test_a_path_is_given_as_text_and_a_tuple_as_a_list(tmp_path: Path) -> None:
    text = GOOD.replace("toy/digits", "toy/folder, path: x, classes: table, table: t.csv")
    checked = check(tmp_path, text)
    assert checked.problems == ()
    assert checked.configs["dataset"].table == Path("t.csv")


def test_a_mistake_in_an_override_is_placed_on_the_command_line_and_comes_last(tmp_path: Path) -> None:
    checked = check(tmp_path, GOOD.replace("kernel: 5", "kernel: 0"), "train.epcohs=3", "seed=one")
    assert [str(problem) for problem in checked.problems[1:]] == [
        "command line: seed: expected a whole number of at least 0, got 'one'",
        "command line: train.epcohs: unknown key; did you mean 'epochs'?",
    ]
    assert checked.problems[0].place.line == 7


def test_the_short_form_of_a_component(tmp_path: Path) -> None:
    text = GOOD.replace("encoder:\n  name: toy/conv\n  kernel: 5", "encoder: toy/conv")
    checked = check(tmp_path, text)
    assert checked.recipe is not None
    assert checked.recipe.encoder.name == "toy/conv"
    assert told(check(tmp_path, text.replace("toy/conv", "toy/cnov")))[5, "encoder.name"].startswith(
        "unknown"
    )


def test_what_a_recipe_leaves_to_its_user_is_a_need_not_a_mistake(tmp_path: Path) -> None:
    checked = check(tmp_path, YOURS)
    assert checked.problems == ()
    assert dict(checked.needs) == {"data.path": "a folder of files"}
    assert checked.recipe is None
    given = check(tmp_path, YOURS, "data.path=photos")
    assert dict(given.needs) == {}
    assert given.recipe is not None
    assert given.recipe.required == {}


def test_other_mistakes_show_beside_a_need(tmp_path: Path) -> None:
    checked = check(tmp_path, YOURS, "data.classes=tabel", "train.views=1")
    assert set(told(checked)) == {(None, "data.classes"), (None, "train.views")}


def test_a_need_hides_only_the_rules_it_is_part_of(tmp_path: Path) -> None:
    checked = check(tmp_path, YOURS.replace("epochs: 3", "views: 2"), "data.classes=table")
    assert told(checked) == {(8, "train"): "expected exactly one of 'epochs' and 'steps', got neither"}


@pytest.mark.parametrize("key", ["data.pth", "dta.path", "train.epoch", "path", "encoder.kernal", "seeds"])
def test_a_required_key_that_does_not_exist_is_a_mistake(tmp_path: Path, key: str) -> None:
    text = GOOD + f"required: {{{key}: what it is}}\n"
    assert "the recipe has no key" in told(check(tmp_path, text))[9, f"required.{key}"]


@pytest.mark.parametrize(
    "key", ["data.workers", "train.ema", "encoder.kernel", "encoder.block.width", "seed"]
)
def test_a_required_key_that_exists_is_none(tmp_path: Path, key: str) -> None:
    assert check(tmp_path, GOOD + f"required: {{{key}: what it is}}\n").problems == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty; a recipe has at least the sections data, augmentation, encoder, train"),
        ("# only a comment\n", "the file is empty"),
        ("- a\n- b\n", 'sections data, augmentation, encoder, train, got ["a", "b"]'),
        ("just text", "got 'just text'"),
        ("a: [", "not valid YAML"),
    ],
)
def test_what_is_no_recipe_at_all(tmp_path: Path, text: str, message: str) -> None:
    (problem,) = check(tmp_path, text, "train.epochs=3").problems
    assert message in problem.message


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=4,
)
SECTIONS = ["data", "encoder", "objective", "train", "required"]
KEYS = ["data.name", "data.workers", "encoder.widths", "encoder.block", "encoder.blocks", "projector.dims"]
MORE = ["optimizer.betas", "train.epochs", "evaluate.protocols", "seed"]


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.sampled_from(SECTIONS + KEYS + MORE), JSON, max_size=4))
def test_no_values_make_it_raise(tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]) -> None:
    folder = tmp_path_factory.getbasetemp()
    overrides = [f"{key}={json.dumps(value)}" for key, value in values.items()]
    checked = check_recipe(write(folder / "r.yaml", GOOD), overrides, registry=planted_registry())
    assert checked.problems or checked.needs or checked.recipe is not None


@pytest.mark.parametrize(
    "override",
    [
        "optimizer.betas=[1,1]",
        "optimizer.betas=[0.9,1]",
        "optimizer.momentum=1",
        "optimizer.lr=1e300",
        "optimizer.weight_decay=1e300",
        "seed=4294967296",
        "projector.dims=[1000001]",
        "train.batch_size=100000000",
        "train.epochs=10000000000000",
        "train.log_every=10000000000000",
        "monitor.window=10000000",
        "evaluate.max_test=1",
        "evaluate.max_train=1",
        "data.workers=100000",
        "a." * 100_000 + "b=1",
    ],
)
def test_a_value_that_no_machine_could_mean_is_refused(tmp_path: Path, override: str) -> None:
    checked = check(tmp_path, GOOD, override)
    assert checked.problems
    assert all(len(str(problem)) < 300 for problem in checked.problems)
