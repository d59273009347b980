"""A dot chart with intervals: scores of several subjects on several protocols, on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vicreg_core.report.charts.scale import Scale, tick_label
from vicreg_core.report.markup import Markup, tag

_WIDTH, _LEFT, _RIGHT = 400, 6, 394
_ROW, _HEAD, _GAP = 32, 24, 8


@dataclass(frozen=True, slots=True)
class Dot:
    """One score.

    Attributes:
        name: whose it is.
        value: the score.
        interval: its ends, if known.
        text: the score in words.
        main: drawn filled; floors are hollow.
    """

    name: str
    value: float
    interval: tuple[float, float] | None
    text: str
    main: bool


def dot_chart(
    title: str, groups: Sequence[tuple[str, Sequence[Dot]]], *, axis: str, factor: float = 1.0
) -> Markup:
    """Groups of dots below each other; the axis starts at zero so that distances are honest.

    Args:
        title: for those who hear the chart.
        groups: heading and dots of each group.
        axis: label of the axis, with its unit.
        factor: from scores to the axis's unit.
    """
    values = [v * factor for _, dots in groups for d in dots for v in (d.value, *(d.interval or ()))]
    low, high = min(0.0, *values), max(values)
    across = Scale(low, high + 0.02 * (high - low or 1.0), _LEFT, _RIGHT)
    parts, y = [], 0
    for heading, dots in groups:
        parts.append(tag("text", heading, x=_LEFT, y=y + 16, class_="heading"))
        y += _HEAD
        for dot in dots:
            parts += _row(dot, y, across, factor)
            y += _ROW
        y += _GAP
    grid = [
        part
        for value in across.ticks()
        for x in [round(across(value), 1)]
        for part in (
            tag("line", x1=x, x2=x, y1=4, y2=y, class_="grid"),
            tag("text", tick_label(value), x=x, y=y + 16, class_="tick middle"),
        )
    ]
    label = tag("text", axis, x=(_LEFT + _RIGHT) / 2, y=y + 36, class_="label middle")
    spoken = "; ".join(f"{h}, {d.name}: {d.text}" for h, dots in groups for d in dots)
    return tag(
        "svg",
        grid,
        parts,
        label,
        viewBox=f"0 0 {_WIDTH} {y + 44}",
        class_="chart dots",
        role="img",
        aria_label=f"{title}. {spoken}",
    )


def _row(dot: Dot, y: float, across: Scale, factor: float) -> list[Markup]:
    x, middle = round(across(dot.value * factor), 1), y + 19
    parts = [tag("text", dot.name, x=_LEFT, y=y + 8, class_="name strong" if dot.main else "name")]
    parts.append(
        tag("text", dot.text, x=_RIGHT, y=y + 8, class_="name end strong" if dot.main else "name end")
    )
    parts.append(tag("line", x1=across(0), x2=x, y1=middle, y2=middle, class_="stem"))
    if dot.interval:
        ends = [round(across(end * factor), 1) for end in dot.interval]
        parts.append(tag("line", x1=ends[0], x2=ends[1], y1=middle, y2=middle, class_="interval"))
        parts += [tag("line", x1=e, x2=e, y1=middle - 4, y2=middle + 4, class_="interval") for e in ends]
    parts.append(tag("circle", cx=x, cy=middle, r=4.5, class_="dot main" if dot.main else "dot"))
    return parts
