"""The frame that charts of one size share: grid, ticks and labels."""

from __future__ import annotations

from vicreg_core.report.charts.scale import Scale, tick_label
from vicreg_core.report.markup import Markup, tag

WIDTH, HEIGHT = 330, 216
LEFT, RIGHT, TOP, BOTTOM = 71, 320, 8, 170


def frame(across: Scale, up: Scale, x_label: str, y_label: str) -> list[Markup]:
    """Grid lines, tick labels and the labels of both axes."""
    parts = []
    for value in up.ticks():
        y = round(up(value), 1)
        parts.append(tag("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(tag("text", tick_label(value), x=LEFT - 6, y=y + 4, class_="tick end"))
    for value in across.ticks(4 if across.log else 5):
        x = round(across(value), 1)
        parts.append(tag("line", x1=x, x2=x, y1=BOTTOM, y2=BOTTOM + 4, class_="axis"))
        parts.append(tag("text", tick_label(value), x=x, y=BOTTOM + 18, class_="tick middle"))
    parts.append(tag("line", x1=LEFT, x2=RIGHT, y1=BOTTOM, y2=BOTTOM, class_="axis"))
    parts.append(tag("text", x_label, x=(LEFT + RIGHT) / 2, y=HEIGHT - 5, class_="label middle"))
    middle = (TOP + BOTTOM) / 2
    parts.append(
        tag("text", y_label, x=11, y=middle, class_="label middle", transform=f"rotate(-90 11 {middle:g})")
    )
    return parts


def figure(title: str, svg: Markup, *, legend: list[Markup] | None = None, note: str = "") -> Markup:
    """A chart under its title and legend, with a sentence below."""
    return tag(
        "figure",
        tag("figcaption", tag("b", title), tag("span", legend, class_="legend") if legend else None),
        svg,
        tag("p", note, class_="note") if note else None,
    )
