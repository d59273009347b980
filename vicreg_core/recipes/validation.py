"""Validation against a pydantic model, its errors told in the words and places of the recipe."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from vicreg_core.plugins.suggest import did_you_mean
from vicreg_core.recipes.problems import KeyPath, Place, Problem, dotted, place_of
from vicreg_core.recipes.shape import Shape
from vicreg_core.recipes.words import FAR, expectation, shown

Model = TypeVar("Model", bound=BaseModel)

_WRITTEN_BY_HAND = ("value_error", "assertion_error")
_STANDARD = frozenset(get_args(ErrorType))
_MOST_KEYS = 12
_TOO_MUCH = {"less_than_equal": "le", "less_than": "lt"}


def parse(model: type[Model], data: Any) -> Model:
    """Validate plain values as JSON, where a strict model takes a list for a tuple and text for a path.

    Raises:
        ValidationError: as pydantic's.
    """
    return model.model_validate_json(json.dumps(data))


class Section:
    """A part of a recipe and the model it must satisfy.

    Args:
        model: what the values must satisfy.
        data: the values.
        at: where they lie in the recipe.
        places: where each key of the recipe was written.
        elsewhere: dotted key, by last name, of keys that live in other sections.
        siblings: keys that may stand beside those of the model.
    """

    def __init__(
        self,
        model: type[BaseModel],
        data: Any,
        *,
        at: KeyPath = (),
        places: Mapping[KeyPath, Place],
        elsewhere: Mapping[str, str],
        siblings: Sequence[str] = (),
    ) -> None:
        self.model, self.data, self.at = model, data, at
        self.places, self.elsewhere, self.siblings = places, elsewhere, siblings
        self.shape = Shape(model)

    def problems(self, needed: frozenset[KeyPath] = frozenset()) -> Iterator[Problem]:
        """Every mistake, at its place.

        Args:
            needed: keys left to the user; that they are missing is no mistake, and what a validator of
                several keys says is not reported where one of them is missing.
        """
        yield from self._ignored_keys()
        try:
            parse(self.model, self.data)
        except ValidationError as failed:
            seen: set[KeyPath] = set()
            for error in failed.errors(include_url=False):
                path, by_hand = self._path(error), error["type"] in _WRITTEN_BY_HAND
                whole = (*self.at, *path)
                if whole in needed or (by_hand and any(need[: len(whole)] == whole for need in needed)):
                    continue
                if path not in seen or by_hand:
                    seen.add(path)
                    yield self._problem(path, self._message(error, path))

    def _problem(self, path: KeyPath, message: str) -> Problem:
        whole = (*self.at, *path)
        return Problem(place_of(whole, self.places), dotted(whole), message)

    def _ignored_keys(self) -> Iterator[Problem]:
        """Unknown keys that a model without ``extra`` would take without a word."""
        if self.model.model_config.get("extra", "ignore") == "ignore" and isinstance(self.data, dict):
            taken = {*self.shape.keys, *self.model.model_fields}
            for key in (key for key in self.data if key not in taken):
                yield self._problem((key,), self._unknown((key,)))

    def _path(self, error: ErrorDetails) -> KeyPath:
        """Pydantic's location without the names of union branches, which are not keys of the recipe."""
        location, value = error["loc"], self.data
        path: list[str | int] = []
        for index, part in enumerate(location):
            absent = _lacks_key(error) and index == len(location) - 1
            if absent or _holds(value, part):
                path.append(part)
                value = None if absent else value[part]
        return tuple(path)

    def _message(self, error: ErrorDetails, path: KeyPath) -> str:
        if error["type"] in _WRITTEN_BY_HAND:
            return error["msg"].partition(", ")[2]
        if error["type"] not in _STANDARD:
            return error["msg"]
        if error["type"] == "extra_forbidden":
            return self._unknown(path)
        schema = self.shape.at(path)
        expected = expectation(schema) if schema else _from_pydantic(error)
        if error["type"] in _TOO_MUCH and (bound := error["ctx"][_TOO_MUCH[error["type"]]]) >= FAR:
            expected = f"at most {bound:,}"
        if _lacks_key(error):
            return f"this key is missing; expected {expected}{self._misspelt(path)}"
        given = self._value(path)
        return f"expected {expected}, got {shown(given)}{_hint(given, expected, schema or {})}"

    def _unknown(self, path: KeyPath) -> str:
        key = str(path[-1])
        known = [*self.shape.keys_at(path[:-1]), *(self.siblings if len(path) == 1 else ())]
        if near := did_you_mean(key, known):
            return f"unknown key{near}"
        if far := get_close_matches(key, self.elsewhere, n=1, cutoff=0.8):
            return f"unknown key here; did you mean {self.elsewhere[far[0]]!r}?"
        listed = ", ".join(known[:_MOST_KEYS]) + (", ..." if len(known) > _MOST_KEYS else "")
        return f"unknown key; there are: {listed}" if known else "unknown key; there are none here"

    def _misspelt(self, path: KeyPath) -> str:
        """A hint at the key that a missing one may have been written as."""
        known = self.shape.keys_at(path[:-1])
        strange = [key for key in self._value(path[:-1]) if key not in known]
        near = get_close_matches(str(path[-1]), strange, n=1)
        return f"; is {near[0]!r} meant to be it?" if near else ""

    def _value(self, path: KeyPath) -> Any:
        value = self.data
        for part in path:
            value = value[part]
        return value


def _lacks_key(error: ErrorDetails) -> bool:
    """Whether a key is missing; an item that a list is short of is an error of the list."""
    return error["type"] == "missing" and isinstance(error["loc"][-1], str)


def _holds(value: Any, part: str | int) -> bool:
    if isinstance(part, int):
        return isinstance(value, list) and part < len(value)
    return isinstance(value, dict) and part in value


def _from_pydantic(error: ErrorDetails) -> str:
    message = error["msg"]
    return message.removeprefix("Input should be ")


def _hint(given: Any, expected: str, schema: Mapping[str, Any]) -> str:
    if isinstance(given, str):
        return did_you_mean(given, _choices(schema))
    if isinstance(given, float) and not math.isfinite(given):
        return "; it must be finite"
    if isinstance(given, float) and given.is_integer() and "whole number" in expected:
        return f"; write {int(given)}"
    return ""


def _choices(schema: Mapping[str, Any]) -> list[str]:
    options = [schema, *schema.get("anyOf", ())]
    values = [value for option in options for value in (*option.get("enum", ()), option.get("const"))]
    return [value for value in values if isinstance(value, str)]
