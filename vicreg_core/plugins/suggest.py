"""Did-you-mean."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A clause to append to an error, or nothing where no choice is near.

    >>> did_you_mean("vision/resnet81", ["vision/resnet18", "vision/vit"])
    "; did you mean 'vision/resnet18'?"
    >>> did_you_mean("x", ["vision/vit"])
    ''
    """
    near = get_close_matches(word, list(choices), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
