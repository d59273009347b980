"""Figures that are not defined, made null: a mean of nothing, a correlation of constants."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any


def finite(value: Any) -> Any:
    """The same JSON values with ``None`` for every number that is not finite."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def undefined(value: Any, name: str = "") -> Iterator[str]:
    """The names, dotted, of the numbers that are not finite."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from undefined(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        yield from dict.fromkeys(found for inner in value for found in undefined(inner, name))
    elif isinstance(value, float) and not math.isfinite(value):
        yield name
