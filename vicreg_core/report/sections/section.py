"""The frame of a section."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vicreg_core.report.markup import Child, Markup, tag


class Section(NamedTuple):
    """A section and how the page's contents list names it."""

    anchor: str
    title: str
    html: Markup


def section(anchor: str, title: str, *body: Child, lead: str = "", short: str = "") -> Section:
    """A headed section.

    Args:
        anchor: its ``id``.
        title: its heading.
        body: its content.
        lead: a sentence under the heading.
        short: how the contents list calls it, where not by its title.
    """
    html = tag(
        "section",
        tag("h2", title),
        tag("p", lead, class_="lead") if lead else None,
        body,
        id=anchor,
    )
    return Section(anchor, short or title, html)


def table(
    columns: Sequence[str], rows: Sequence[Sequence[Child]], *, caption: str, numeric: int = 1
) -> Markup:
    """A table that scrolls sideways where the page is narrow.

    Args:
        columns: headings.
        rows: cells; the first of a row is its heading.
        caption: what it holds, for those who hear it.
        numeric: columns from this one on are aligned as numbers.
    """

    def kind(index: int) -> str | None:
        return "num" if index >= numeric else None

    head = tag("tr", [tag("th", c, scope="col", class_=kind(i)) for i, c in enumerate(columns)])
    body = [
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            [tag("td", cell, class_=kind(i)) for i, cell in enumerate(row[1:], 1)],
        )
        for row in rows
    ]
    inner = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", body))
    return tag("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption)
