"""``key.path=value`` arguments, laid over a recipe."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from copy import deepcopy

from vicreg_core.recipes.problems import COMMAND_LINE, KeyPath, Place, Problem, dotted
from vicreg_core.recipes.schema import COMPONENT_SECTIONS
from vicreg_core.recipes.words import shown
from vicreg_core.recipes.yaml import DEEPEST, Document, read_yaml

_OVERRIDE = re.compile(r"(?P<key>[A-Za-z_][\w-]*(?:\.[\w-]+)*)=(?P<value>.*)", re.DOTALL)
_HERE = Place(COMMAND_LINE)


def is_override(argument: str) -> bool:
    """Whether an argument has the form ``key.path=value``; a file ``a=b.yaml`` is given as ``./a=b.yaml``."""
    return _OVERRIDE.fullmatch(argument) is not None


def apply_overrides(document: Document, overrides: Sequence[str]) -> Document:
    """A copy of a recipe with overrides laid over it, in their order.

    A value is read as YAML, as in a file; an empty one is null. A mapping replaces the one it meets, so
    ``encoder={name: vision/resnet18}``, or ``encoder=vision/resnet18`` for short, leaves no option of
    another encoder behind. Mappings on the way are made where missing.
    """
    result = Document(deepcopy(document.data), dict(document.places), list(document.problems))
    for override in overrides:
        match = _OVERRIDE.fullmatch(override)
        if match is None:
            _note(result, "", f"expected key.path=value, such as train.epochs=10, got {shown(override)}")
            continue
        if match["key"].count(".") >= DEEPEST:
            _note(result, "", f"{shown(match['key'])} has more than {DEEPEST} parts; a recipe is not so deep")
            continue
        value = read_yaml(match["value"], COMMAND_LINE, line=None)
        if value.problems:
            _note(result, match["key"], _unreadable(match["key"], match["value"], value.problems))
            continue
        _set(result, tuple(match["key"].split(".")), value)
    return result


def _note(document: Document, key: str, message: str) -> None:
    document.problems.append(Problem(_HERE, key, message))


def _set(document: Document, path: KeyPath, value: Document) -> None:
    target = document.data
    for depth, key in enumerate(path[:-1], start=1):
        inner = target.get(key)
        if inner is None:
            target[key] = inner = {}
            document.places[path[:depth]] = _HERE
        elif depth == 1 and key in COMPONENT_SECTIONS and isinstance(inner, str):
            target[key] = inner = {"name": inner}
        if not isinstance(inner, dict):
            advice = "; give the list whole" if isinstance(inner, list) else ""
            whole = f"{dotted(path[:depth])} is {shown(inner)}, which holds no keys{advice}"
            return _note(document, dotted(path), whole)
        target = inner
    target[path[-1]] = value.data
    for old in [known for known in document.places if known[: len(path)] == path]:
        del document.places[old]
    document.places.update({(*path, *inner): _HERE for inner in value.places})
    return None


def _unreadable(key: str, text: str, problems: Sequence[Problem]) -> str:
    reason = problems[0].message.splitlines()[0]
    quoted = shlex.quote(f"{key}={json.dumps(text, ensure_ascii=False)}")
    return f"cannot read the value {text!r} ({reason}); if it is text, quote it: {quoted}"
