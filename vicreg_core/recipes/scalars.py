"""The scalars of YAML 1.2's core schema: which text without quotes is a number, a boolean or null."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

TAG = "tag:yaml.org,2002:"
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")


def convert(kind: str, text: str) -> Any:
    """The value of a scalar.

    Args:
        kind: its tag without :data:`TAG`: ``"str"`` or one of :data:`SCALARS`.
        text: as written, without quotes.

    Raises:
        ValueError: the text is not of that kind, ambiguous, or out of range.
    """
    if kind == "str":
        return _joined(text)
    scalar = SCALARS[kind]
    if not scalar.pattern.match(text):
        raise ValueError(f"{text!r} is no {kind} of YAML 1.2")
    return scalar.convert(text)


def _joined(text: str) -> str:
    """Text whose surrogate pairs, which JSON writes for characters past U+FFFF, are those characters."""
    if text.isascii():
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise ValueError(f"{text!r} holds half a character (a lone surrogate)") from None


def _integer(text: str) -> int:
    if _LEADING_ZERO.fullmatch(text):
        raise ValueError(
            f"{text} is ambiguous, for some read it as octal; write {int(text)} for the number "
            f"and '{text}' for text"
        )
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


def _float(text: str) -> float:
    value = float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
    if math.isinf(value) and "inf" not in text.lower():
        raise ValueError(f"{text} is too large for a number")
    return value


@dataclass(frozen=True, slots=True)
class _Scalar:
    """How one kind is recognised, by its characters at the start and by its whole, and converted."""

    pattern: re.Pattern[str]
    first: str
    convert: Callable[[str], Any]


SCALARS = {
    "null": _Scalar(re.compile(r"(?:~|null|Null|NULL|)\Z"), "~nN", lambda _: None),
    "bool": _Scalar(
        re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), "tTfF", lambda text: text.lower() == "true"
    ),
    "int": _Scalar(re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"), "-+0123456789", _integer),
    "float": _Scalar(
        re.compile(
            r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
        ),
        "-+.0123456789",
        _float,
    ),
}
"""In the order in which they are tried."""


class CoreLoader(yaml.SafeLoader):
    """Resolves untagged text by the core schema instead of YAML 1.1."""


class CoreDumper(yaml.SafeDumper):
    """Quotes whatever text the core schema *or* a YAML 1.1 reader would take for something else."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent the items of a list below its key."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write a value out wherever it occurs."""
        return True


CoreLoader.yaml_implicit_resolvers = {}
for _name, _scalar in SCALARS.items():
    _first = [*_scalar.first, *([""] if _name == "null" else [])]
    CoreLoader.add_implicit_resolver(TAG + _name, _scalar.pattern, _first)
    CoreDumper.add_implicit_resolver(TAG + _name, _scalar.pattern, _first)


def _represent_list(dumper: yaml.SafeDumper, values: list[Any]) -> yaml.Node:
    flat = not any(isinstance(value, list | dict) for value in values)
    return dumper.represent_sequence(TAG + "seq", values, flow_style=flat)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    """Escaped where a character does not print: PyYAML folds some line breaks into others otherwise."""
    return dumper.represent_scalar(TAG + "str", text, style=None if text.isprintable() else '"')


CoreDumper.add_representer(list, _represent_list)
CoreDumper.add_representer(str, _represent_text)
