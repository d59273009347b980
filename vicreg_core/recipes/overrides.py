"""``key.path=value`` arguments, laid over a recipe."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from copy import deepcopy
from types import MappingProxyType

from vicreg_core.recipes.problems import COMMAND_LINE, KeyPath, Place, Problem, dotted
from vicreg_core.recipes.schema import COMPONENT_SECTIONS
from vicreg_core.recipes.words import shown
from vicreg_core.recipes.yaml import DEEPEST, Document, read_yaml

_OVERRIDE = re.compile(r"(?P<key>[A-Za-z_][\w-]*(?:\.[\w-]+)*)=(?P<value>.*)", re.DOTALL)
_HERE = Place(COMMAND_LINE)
_LENGTHS: Mapping[KeyPath, str] = MappingProxyType(
    {("train", "epochs"): "steps", ("train", "steps"): "epochs"}
)
"""The two keys that say how long a run is, and the one each takes the place of."""


def is_override(argument: str) -> bool:
    """Whether an argument has the form ``key.path=value``; a file ``a=b.yaml`` is given as ``./a=b.yaml``."""
    return _OVERRIDE.fullmatch(argument) is not None


def apply_overrides(document: Document, overrides: Sequence[str]) -> Document:
    """A copy of a recipe with overrides laid over it, in their order.

    A value is read as YAML, as in a file; an empty one is null. A mapping replaces the one it meets, so
    ``encoder={name: vision/resnet18}``, or ``encoder=vision/resnet18`` for short, leaves no option of
    another encoder behind. Mappings on the way are made where missing. ``train.epochs`` takes the place of
    the ``train.steps`` of a file, and the other way round.
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
        path = tuple(match["key"].split("."))
        _set(result, path, value)
        if (other := _LENGTHS.get(path)) and value.data is not None:
            _make_room(result, other)
    return result


def _make_room(document: Document, length: str) -> None:
    """Take a length of the file out, where the command line gives the other; not one it gave itself."""
    train = document.data.get("train")
    if isinstance(train, dict) and document.places.get(("train", length)) != _HERE:
        train.pop(length, None)


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
