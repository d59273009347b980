"""Reading and writing YAML as people mean it: the core schema of YAML 1.2, with a place for every key.

Against PyYAML's defaults, which follow YAML 1.1: ``1e-4`` is a number; only ``true`` and ``false`` are
booleans, so ``no`` and ``on`` stay text; there are no dates and no base-60 numbers; a key given twice is a
mistake; and a number with a leading zero is refused, because ``010`` is eight to YAML 1.1 and ten to
YAML 1.2. No tag builds anything but plain values. Aliases work, up to a bound on what they expand to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from vicreg_core.recipes.problems import KeyPath, Place, Problem, dotted
from vicreg_core.recipes.scalars import SCALARS, TAG, CoreDumper, CoreLoader, convert

DEEPEST = 50
_MOST_VALUES = 50_000


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML text as plain values.

    Attributes:
        data: dicts with text keys, lists, text, numbers, booleans and ``None``.
        places: where each key and list item was written; ``()`` is the document itself.
        problems: every mistake of form. A value that cannot be read is ``None`` in ``data``.
    """

    data: Any
    places: dict[KeyPath, Place]
    problems: list[Problem] = field(default_factory=list)


def read_yaml(text: str, source: str, line: int | None = 1) -> Document:
    """Read a text; mistakes are in the document's ``problems``, never raised.

    Args:
        text: one YAML document.
        source: what to call the text's origin in problems.
        line: number of the first line; ``None`` for an origin without lines.
    """
    reader = _Reader(source, line)
    try:
        node = yaml.compose(text, Loader=CoreLoader)
        data = None if node is None else reader.read(node, ())
    except yaml.MarkedYAMLError as error:
        return reader.failed(_syntax(error, text), error.problem_mark)
    except yaml.YAMLError as error:
        return reader.failed(f"not valid YAML: {' '.join(str(error).split())}", None)
    except RecursionError:
        return reader.failed("nested too deeply to be read", None)
    except _TooMuchError as error:
        return reader.failed(str(error), None)
    return Document(data, reader.places, reader.problems)


def write_yaml(data: Any) -> str:
    """The YAML of plain values, keys in their order; :func:`read_yaml` gives the same values back."""
    return str(yaml.dump(data, Dumper=CoreDumper, sort_keys=False, allow_unicode=True, width=100))


class _TooMuchError(Exception):
    """A document that expands past the bounds."""


class _Reader:
    """Turns YAML's nodes into plain values, noting places and problems on the way."""

    def __init__(self, source: str, line: int | None) -> None:
        self.source, self.line = source, line
        self.places: dict[KeyPath, Place] = {(): Place(source, line)}
        self.problems: list[Problem] = []
        self.values = 0

    def failed(self, message: str, mark: yaml.Mark | None) -> Document:
        """The document of a text that cannot be read."""
        return Document(None, {(): self.places[()]}, [Problem(self.place(mark), "", message)])

    def place(self, mark: yaml.Mark | None) -> Place:
        return Place(self.source, None if self.line is None else self.line + (mark.line if mark else 0))

    def note(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(self.place(node.start_mark), dotted(path), message))

    def read(self, node: yaml.Node, path: KeyPath) -> Any:
        self.values += 1
        if self.values > _MOST_VALUES:
            raise _TooMuchError(f"more than {_MOST_VALUES:,} values, aliases expanded; this is no recipe")
        if len(path) > DEEPEST:
            raise _TooMuchError(f"nested deeper than {DEEPEST} levels (an alias inside itself?)")
        kind = node.tag.removeprefix(TAG)
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return [self.item(value, (*path, index)) for index, value in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and kind in ("str", *SCALARS):
            return self.scalar(node, kind, path)
        shown = node.tag.replace(TAG, "!!")
        self.note(node, path, f"the tag {shown} is not allowed; a recipe holds plain values only")
        return None

    def item(self, node: yaml.Node, path: KeyPath) -> Any:
        self.places[path] = self.place(node.start_mark)
        return self.read(node, path)

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.key(key_node, path)
            if key is None:
                continue
            here = (*path, key)
            if key in result:
                first = self.places[here]
                self.note(key_node, here, f"this key is given twice; first in line {first.line or 1}")
                continue
            self.places[here] = self.place(key_node.start_mark)
            result[key] = self.read(value_node, here)
        return result

    def key(self, node: yaml.Node, path: KeyPath) -> str | None:
        """The text of a key; ``None``, with a problem noted, where it is not text."""
        if not isinstance(node, yaml.ScalarNode) or node.tag != TAG + "str":
            given = node.value if isinstance(node, yaml.ScalarNode) else "a collection"
            self.note(node, path, f"a key must be text, got {given}; put it in quotes")
            return None
        if node.value == "<<" and node.style is None:
            self.note(node, path, "merge keys (<<) are not supported; write the keys out")
            return None
        text: str | None = self.scalar(node, "str", path)
        return text

    def scalar(self, node: yaml.ScalarNode, kind: str, path: KeyPath) -> Any:
        try:
            return convert(kind, node.value)
        except ValueError as error:
            self.note(node, path, str(error))
            return None


def _syntax(error: yaml.MarkedYAMLError, text: str) -> str:
    """A syntax error in words, with the line it is in."""
    problem = error.problem or str(error)
    if "'\\t'" in problem:
        problem = "a tab cannot indent; use spaces"
    if "expected a single document" in str(error):
        problem = "expected one document, found a second after '---'"
    mark = error.problem_mark
    lines = text.splitlines()
    if mark is None or mark.line >= len(lines):
        return f"not valid YAML: {problem}"
    start = max(0, mark.column - 60)
    line = lines[mark.line].expandtabs(1)[start : start + 90]
    return f"not valid YAML: {problem}\n      {line}\n      {' ' * (mark.column - start)}^"
