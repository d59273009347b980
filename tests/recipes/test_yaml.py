from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from vicreg_core.recipes.problems import Place
from vicreg_core.recipes.yaml import Document, read_yaml, write_yaml


def read(text: str) -> Any:
    document = read_yaml(text, "f.yaml")
    assert not document.problems
    return document.data


def only_problem(document: Document) -> tuple[int | None, str, str]:
    (problem,) = document.problems
    return problem.place.line, problem.key, problem.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1E+3", 1000.0),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("0", 0),
        ("-12", -12),
        ("0o17", 15),
        ("0x1F", 31),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("2024-01-31", "2024-01-31"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("1e", "1e"),
        ("'010'", "010"),
        ('"1e-4"', "1e-4"),
        ("=", "="),
        ("!!str 5", "5"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ("!!float 5", 5.0),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: Any) -> None:
    result = read(text)
    assert result == value
    assert type(result) is type(value)


def test_not_a_number_is_read() -> None:
    assert math.isnan(read(".nan"))


@pytest.mark.parametrize("text", ["010", "007", "-08", "+00"])
def test_a_leading_zero_is_refused(text: str) -> None:
    line, key, message = only_problem(read_yaml(f"a:\n  b: {text}", "f.yaml"))
    assert (line, key) == (2, "a.b")
    assert f"{text} is ambiguous" in message
    assert f"write {int(text)} for the number" in message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: !!python/object/apply:os.system [ls]", "tag !!python/object/apply:os.system is not allowed"),
        ("a: !!python/name:os.system", "is not allowed"),
        ("a: !mine 3", "tag !mine is not allowed"),
        ("a: !!binary aGk=", "tag !!binary is not allowed"),
        ("a: !!set {x, y}", "tag !!set is not allowed"),
        ("a: !!int ten", "'ten' is no int"),
        ("a: !!bool yes", "'yes' is no bool"),
        ("a: 1e999", "too large"),
        ("a: " + "9" * 5000, "4300 digits"),
        ('a: "\\uD800"', "lone surrogate"),
    ],
)
def test_a_value_that_is_not_plain_is_one_problem(text: str, part: str) -> None:
    line, key, message = only_problem(read_yaml(text, "f.yaml"))
    assert (line, key) == (1, "a")
    assert part in message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("8: a", "a key must be text, got 8"),
        ("true: a", "a key must be text, got true"),
        ("? [a, b]\n: c", "a key must be text, got a collection"),
        ("<<: {a: 1}", "merge keys"),
    ],
)
def test_a_key_that_is_not_text_is_one_problem(text: str, part: str) -> None:
    assert part in only_problem(read_yaml(text, "f.yaml"))[2]


def test_every_duplicate_key_is_a_problem_and_the_first_stands() -> None:
    document = read_yaml("a: 1\nb:\n  c: 1\n  c: 2\na: 3\na: 4\n", "f.yaml")
    assert [(p.place.line, p.key) for p in document.problems] == [(4, "b.c"), (5, "a"), (6, "a")]
    assert "first in line 3" in document.problems[0].message
    assert document.data == {"a": 1, "b": {"c": 1}}


def test_places_of_keys_and_items() -> None:
    places = read_yaml("a: 1\nb:\n  c:\n    - x\n    - {d: 2}\n", "f.yaml").places
    assert {path: place.line for path, place in places.items()} == {
        (): 1,
        ("a",): 1,
        ("b",): 2,
        ("b", "c"): 3,
        ("b", "c", 0): 4,
        ("b", "c", 1): 5,
        ("b", "c", 1, "d"): 5,
    }
    assert places["a",] == Place("f.yaml", 1)


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "expected ',' or ']'"),
        ("a: 1\n\tb: 2\n", 2, "a tab cannot indent"),
        ("a: b: c\n", 1, "mapping values are not allowed here"),
        ("a: *there\n", 1, "undefined alias"),
        ("a: 'open\n", 2, "unexpected end"),
        ("a: 1\n---\nb: 2\n", 2, "found a second after '---'"),
        ("a: %x\n", 1, "cannot start any token"),
        ("a: \x00\n", 1, "special characters are not allowed"),
    ],
)
def test_a_syntax_error_is_one_problem_with_its_line(text: str, line: int, part: str) -> None:
    document = read_yaml(text, "f.yaml")
    found, key, message = only_problem(document)
    assert (found, key) == (line, "")
    assert part in message
    assert document.data is None


def test_a_syntax_error_shows_the_line_and_the_column() -> None:
    message = only_problem(read_yaml("ok: 1\nlr: 0.3: 4\n", "f.yaml"))[2].splitlines()
    assert message[1].strip() == "lr: 0.3: 4"
    assert message[1][message[2].index("^")] == ":"
    assert message[2].index("^") == message[1].index(": 4")


def test_aliases_work() -> None:
    assert read("a: &x {b: [1]}\nc: *x\n") == {"a": {"b": [1]}, "c": {"b": [1]}}


def test_an_alias_bomb_and_an_endless_alias_are_refused() -> None:
    levels = "\n".join(f"k{i}: &k{i} [{', '.join([f'*k{i - 1}'] * 10)}]" for i in range(1, 9))
    assert "more than 50,000 values" in only_problem(read_yaml("k0: &k0 [1]\n" + levels, "f"))[2]
    assert "an alias inside itself" in only_problem(read_yaml("a: &a [*a]", "f"))[2]


def test_bottomless_nesting_is_refused() -> None:
    assert "nested" in only_problem(read_yaml("[" * 1000, "f"))[2]
    assert "nested deeper than 50" in only_problem(read_yaml("[" * 60 + "]" * 60, "f"))[2]


TRAPS = ["1e-4", "010", "yes", "null", "~", "", "<<", "=", "*.tif", "a: b", " x ", "#", "- 1", "0x1"]
NASTY = st.sampled_from([*TRAPS, "a\n\t", "\x85", "\u2028 ", "a\r", "\ufeff"])
TEXT = NASTY | st.text(st.characters(codec="utf-8"), max_size=12)
NUMBERS = st.integers() | st.floats(allow_nan=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None)
@given(VALUES)
def test_what_is_written_reads_back_here_and_in_yaml_1_1(value: Any) -> None:
    text = write_yaml({"top": value})
    assert read(text) == {"top": value}
    assert yaml.safe_load(text) == {"top": value}


@settings(deadline=None)
@given(st.text(max_size=60) | st.text("[]{}:,-&*!|>'\"#% \n\tab01.e~<", max_size=60))
def test_no_text_makes_it_raise(text: str) -> None:
    document = read_yaml(text, "f.yaml")
    assert all(str(problem).startswith("f.yaml:") for problem in document.problems)
