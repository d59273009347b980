"""HTML and SVG that cannot be injected into: text is escaped unless it is :class:`Markup` already."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Any, TypeAlias

_VOID = frozenset({"img", "input", "meta", "link", "br", "hr", "line", "rect", "path", "circle"})


class Markup(str):
    """Text that is HTML; only :func:`tag`, :func:`join` and :func:`json_script` make it."""

    __slots__ = ()


Child: TypeAlias = "str | float | int | Iterable[Child] | None"
"""What an element may hold: text, numbers, markup, and any of them in a row."""


def tag(name: str, /, *children: Child, **attributes: Any) -> Markup:
    """An element. Children that are not markup are escaped; ``None`` is left out.

    An attribute's trailing underscore is dropped (``class_``) and others become hyphens (``aria_label``).
    ``None`` and ``False`` leave an attribute out, ``True`` gives it no value.
    """
    opened = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    if name in _VOID and not children:
        return Markup(opened[:-1] + "/>")
    return Markup(f"{opened}{join(*children)}</{name}>")


def join(*children: Child) -> Markup:
    """Children one after the other, escaped as :func:`tag` does."""
    return Markup("".join(_text(child) for child in children))


def json_script(name: str, value: Any) -> Markup:
    """A ``<script type="application/json">`` that a page's own script reads.

    Nothing in the JSON can end the element: ``<``, ``>`` and ``&`` are written as JSON escapes.
    """
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(f'<script type="application/json" id="{html.escape(name)}">{text}</script>')


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str | int | float):
        return html.escape(str(child))
    return "".join(_text(each) for each in child)


def _attribute(key: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
