"""Values and expectations in plain words, for error messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

_LONGEST = 60
_MOST_KEYS = 12
_UPPER = ("maximum", "exclusiveMaximum")
FAR = 10**5
"""Upper bounds from here on are told only to those who pass them."""


def shown(value: Any) -> str:
    """A value as its user wrote it, shortened.

    >>> shown("ten"), shown(None), shown([1, 2])
    ("'ten'", 'null', '[1, 2]')
    """
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."


def expectation(schema: Mapping[str, Any]) -> str:
    """What a JSON schema (references resolved) asks for, e.g. ``"a whole number above 0 or null"``."""
    if "anyOf" in schema:
        options = [expectation(option) for option in schema["anyOf"]]
        return " or ".join(dict.fromkeys(options))
    if "const" in schema:
        return shown(schema["const"])
    if "enum" in schema:
        return f"one of {', '.join(shown(value) for value in schema['enum'])}"
    words = _BY_TYPE.get(schema.get("type", ""))
    return words(schema) if words else str(schema.get("description", "another value"))


def _number(schema: Mapping[str, Any]) -> str:
    noun = "a whole number" if schema["type"] == "integer" else "a number"
    # A bound that no sensible value comes near is told to those who pass it, not to all.
    schema = {key: value for key, value in schema.items() if key not in _UPPER or value < FAR}
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f"{noun} from {_figure(least)} to {_figure(most)}"
    bounds = [
        f"{word} {_figure(schema[key])}"
        for key, word in (
            ("minimum", "of at least"),
            ("exclusiveMinimum", "above"),
            ("maximum", "of at most"),
            ("exclusiveMaximum", "below"),
        )
        if key in schema
    ]
    return " ".join([noun, " and ".join(bounds)]).strip()


def _figure(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"


def _text(schema: Mapping[str, Any]) -> str:
    if "pattern" in schema:
        return str(schema.get("description") or f"text of the form {schema['pattern']}")
    if schema.get("format") in ("path", "file-path", "directory-path"):
        return "a path"
    return "text that is not empty" if schema.get("minLength") == 1 else "text"


def _list(schema: Mapping[str, Any]) -> str:
    if items := schema.get("prefixItems"):
        each = list(dict.fromkeys(expectation(item) for item in items))
        inner = f"each {each[0]}" if len(each) == 1 else "; ".join(each)
        return f"a list of {len(items)}: {inner}"
    if not schema.get("items"):
        return "a list"
    least = schema.get("minItems", 0)
    head = f"a list of at least {least}" if least else "a list"
    return f"{head}, each {expectation(schema['items'])}"


def _mapping(schema: Mapping[str, Any]) -> str:
    keys: Sequence[str] = list(schema.get("properties", ()))
    if not keys:
        return "a mapping"
    listed = ", ".join(keys[:_MOST_KEYS]) + (", ..." if len(keys) > _MOST_KEYS else "")
    return f"a mapping with keys from: {listed}"


_BY_TYPE = {
    "integer": _number,
    "number": _number,
    "boolean": lambda _: "true or false",
    "null": lambda _: "null",
    "string": _text,
    "array": _list,
    "object": _mapping,
}
