from __future__ import annotations

from typing import Any

import pytest

from vicreg_core.recipes.overrides import apply_overrides, is_override
from vicreg_core.recipes.problems import COMMAND_LINE, Place
from vicreg_core.recipes.yaml import Document, read_yaml

BASE = "data: {name: toy/folder, path: a}\nencoder: toy/conv\ntrain:\n  epochs: 3\n  dims: [1, 2]\n"


def applied(*overrides: str) -> Document:
    return apply_overrides(read_yaml(BASE, "f.yaml"), overrides)


def value_at(document: Document, *path: str) -> Any:
    assert not document.problems
    value = document.data
    for key in path:
        value = value[key]
    return value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("1e-4", 1e-4),
        ("a=b=c", "a=b=c"),
        ("", None),
        ("null", None),
        ("[1, 2]", [1, 2]),
        ("{a: 1}", {"a": 1}),
        ("'7'", "7"),
        ("C:\\images", "C:\\images"),
        ("two words", "two words"),
    ],
)
def test_the_value_is_yaml_after_the_first_equals_sign(text: str, value: Any) -> None:
    assert value_at(applied(f"data.path={text}"), "data", "path") == value


def test_the_original_is_left_alone_and_the_last_one_wins() -> None:
    original = read_yaml(BASE, "f.yaml")
    changed = apply_overrides(original, ["train.epochs=5", "train.epochs=6"])
    assert (original.data["train"]["epochs"], changed.data["train"]["epochs"]) == (3, 6)


def test_mappings_are_made_where_missing_and_placed_on_the_command_line() -> None:
    document = applied("optimizer.nested.lr=1")
    assert value_at(document, "optimizer", "nested", "lr") == 1
    for path in [("optimizer",), ("optimizer", "nested"), ("optimizer", "nested", "lr")]:
        assert document.places[path] == Place(COMMAND_LINE)


def test_places_inside_a_replaced_value_are_those_of_the_new_one() -> None:
    document = applied("train={epochs: 4}")
    assert document.places["train", "epochs"] == Place(COMMAND_LINE)
    assert ("train", "dims", 0) not in document.places
    assert document.places["data", "path"] == Place("f.yaml", 1)


def test_an_option_of_a_component_given_by_name_only() -> None:
    assert value_at(applied("encoder.width=3"), "encoder") == {"name": "toy/conv", "width": 3}
    assert value_at(applied("data=toy/digits", "data.x=1"), "data") == {"name": "toy/digits", "x": 1}


@pytest.mark.parametrize(
    ("override", "key", "part"),
    [
        ("epochs", "", "expected key.path=value, such as train.epochs=10, got 'epochs'"),
        ("=3", "", "got '=3'"),
        ("a..b=3", "", "got 'a..b=3'"),
        ("train.dims.0=3", "train.dims.0", "train.dims is [1, 2], which holds no keys; give the list whole"),
        ("train.epochs.x=3", "train.epochs.x", "train.epochs is 3, which holds no keys"),
        ("data.pattern=*.tif", "data.pattern", """quote it: 'data.pattern="*.tif"'"""),
        ("train.epochs=010", "train.epochs", "010 is ambiguous"),
        ("train={epochs: 1, epochs: 2}", "train", "given twice"),
        ("data.path=!!python/name:os.system", "data.path", "is not allowed"),
    ],
)
def test_mistakes(override: str, key: str, part: str) -> None:
    (problem,) = applied(override).problems
    assert (problem.place, problem.key) == (Place(COMMAND_LINE), key)
    assert part in problem.message


def test_what_is_advised_to_type_works() -> None:
    assert value_at(applied('data.pattern="*.tif"'), "data", "pattern") == "*.tif"


def test_overrides_are_told_from_files() -> None:
    assert is_override("train.epochs=3")
    assert is_override("data.path=./a.yaml")
    assert not is_override("./a=b.yaml")
    assert not is_override("vision/quickstart")


def test_one_length_takes_the_place_of_the_other() -> None:
    assert "epochs" not in applied("train.steps=100").data["train"]
    steps = Document({"train": {"steps": 100, "epochs": None}}, {("train", "steps"): Place("a.yaml", 3)}, [])
    assert apply_overrides(steps, ["train.epochs=5"]).data["train"] == {"epochs": 5}
    assert apply_overrides(steps, ["train.epochs=null"]).data["train"] == {"steps": 100, "epochs": None}
    both = applied("train.steps=100", "train.epochs=5").data["train"]
    assert (both["steps"], both["epochs"]) == (100, 5)
