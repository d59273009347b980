from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from vicreg_core.recipes.shape import Shape
from vicreg_core.recipes.words import expectation, shown


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    a: int
    b: int = 0


class Everything(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    whole: Annotated[int, Field(gt=0)]
    between: Annotated[int, Field(ge=2, le=16)]
    share: Annotated[float, Field(gt=0, lt=1)]
    least: Annotated[float, Field(ge=0.5)]
    flag: bool
    text: str
    path: Path
    choice: Literal["a", "b"]
    one: Literal["auto"]
    colour: Colour
    maybe: int | None
    either: Literal["auto"] | Annotated[int, Field(ge=0)]
    many: Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=1)]
    pair: tuple[float, float]
    mixed: tuple[int, str]
    free: dict[str, str]
    inner: Inner
    inners: list[Inner]
    either_inner: Inner | None
    named: Annotated[str, Field(pattern="^x$", description="an x")]
    patterned: Annotated[str, Field(pattern="^x$")]
    anything: Any


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("whole", "a whole number above 0"),
        ("between", "a whole number from 2 to 16"),
        ("share", "a number above 0 and below 1"),
        ("least", "a number of at least 0.5"),
        ("flag", "true or false"),
        ("text", "text"),
        ("path", "a path"),
        ("choice", "one of 'a', 'b'"),
        ("one", "'auto'"),
        ("colour", "one of 'red', 'blue'"),
        ("maybe", "a whole number or null"),
        ("either", "'auto' or a whole number of at least 0"),
        ("many", "a list of at least 1, each a whole number above 0"),
        ("pair", "a list of 2: each a number"),
        ("mixed", "a list of 2: a whole number; text"),
        ("free", "a mapping"),
        ("inner", "a mapping with keys from: a, b"),
        ("inners", "a list, each a mapping with keys from: a, b"),
        ("named", "an x"),
        ("patterned", "text of the form ^x$"),
        ("anything", "another value"),
    ],
)
def test_what_a_key_takes(key: str, words: str) -> None:
    schema = Shape(Everything).at((key,))
    assert schema is not None
    assert expectation(schema) == words


def test_paths_lead_into_models_lists_and_alternatives() -> None:
    shape = Shape(Everything)
    assert shape.keys_at(("inner",)) == ("a", "b")
    assert shape.keys_at(("inners", 3)) == ("a", "b")
    assert shape.keys_at(("either_inner",)) == ("a", "b")
    assert shape.keys_at(("whole",)) == ()
    assert shape.at(("inner", "nothing")) is None


def test_a_model_without_a_json_schema_still_has_keys() -> None:
    class Odd(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        thing: Shape
        other: int

    assert Shape(Odd).keys_at(()) == ("thing", "other")
    assert Shape(Odd).at(("thing",)) is None


def test_long_values_are_shortened() -> None:
    assert len(shown("x" * 500)) <= 60
    assert shown(True) == "true"
    assert shown({"a": None}) == '{"a": null}'
