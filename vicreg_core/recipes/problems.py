"""What is wrong with a recipe, and where: one problem a mistake, all of a file together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from vicreg_core.errors import RecipeError

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value lies in a recipe: the keys, and positions in lists, that lead to it."""

COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written: a line of a file, or the command line."""

    source: str
    line: int | None = None

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake.

    Attributes:
        place: where it was written.
        key: dotted key it concerns, e.g. ``"train.epochs"``; empty for the file as a whole.
        message: what was given, what was expected, and what may have been meant.
    """

    place: Place
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.key}: {self.message}" if self.key else f"{self.place}: {self.message}"

    def as_json(self) -> dict[str, Any]:
        """The record of ``vicreg recipe check --json``."""
        return {
            "source": self.place.source,
            "line": self.place.line,
            "key": self.key,
            "message": self.message,
        }


class InvalidRecipeError(RecipeError):
    """A recipe with mistakes in it.

    Args:
        label: the recipe as its user named it.
        problems: at least one.
    """

    def __init__(self, label: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"recipe {label} has {count}:", *(f"  {p}" for p in self.problems)]))


def dotted(path: KeyPath) -> str:
    """A key path as people write it.

    >>> dotted(("projector", "dims", 0))
    'projector.dims[0]'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def place_of(path: KeyPath, places: Mapping[KeyPath, Place]) -> Place:
    """Where ``path`` was written; for a key that is missing, where what should hold it was written."""
    for length in range(len(path), -1, -1):
        if path[:length] in places:
            return places[path[:length]]
    raise LookupError(f"no place is known for {dotted(path)!r}, nor for the recipe that holds it")


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Without repetitions, by line, those of the command line last."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.place.line is None, p.place.line or 0)))
