"""Points in a plane, some of them marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vicreg_core.report.charts.axes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, figure, frame
from vicreg_core.report.charts.scale import Scale
from vicreg_core.report.markup import Markup, tag


class Point(NamedTuple):
    """One point.

    Attributes:
        x, y: where it lies.
        shade: from 0 (pale) to 1 (full).
        text: said where it is pointed at.
        crossed: drawn as a cross instead.
        ringed: with a ring around.
    """

    x: float
    y: float
    shade: float
    text: str
    crossed: bool = False
    ringed: bool = False


def scatter(
    title: str, points: Sequence[Point], *, x_label: str, y_label: str, log: bool = False, note: str = ""
) -> Markup:
    """A figure of points on labelled axes.

    Args:
        title: above it.
        points: at least one.
        x_label, y_label: of the axes.
        log: both axes are logarithmic; all values are positive then.
        note: a sentence below.
    """
    across = _scale([p.x for p in points], LEFT, RIGHT, log)
    up = _scale([p.y for p in points], BOTTOM, TOP, log)
    svg = tag(
        "svg",
        frame(across, up, x_label, y_label),
        [_mark(point, across, up) for point in points],
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        class_="chart dots",
        role="img",
        aria_label=f"{title}: {len(points)} points, {y_label} by {x_label}",
    )
    return figure(title, svg, note=note)


def _scale(values: Sequence[float], start: float, end: float, log: bool) -> Scale:
    low, high = min(values), max(values)
    if log:
        return Scale(low / 1.3, high * 1.3, start, end, True)
    margin = 0.06 * (high - low) or abs(low) * 0.1 or 1.0
    return Scale(low - margin, high + margin, start, end)


def _mark(point: Point, across: Scale, up: Scale) -> list[Markup]:
    x, y = round(across(point.x), 1), round(up(point.y), 1)
    hint = tag("title", point.text)
    if point.crossed:
        path = f"M{x - 5} {y - 5}L{x + 5} {y + 5}M{x - 5} {y + 5}L{x + 5} {y - 5}"
        return [tag("path", hint, d=path, class_="line s1")]
    shade = f"{0.25 + 0.75 * point.shade:.2f}"
    ring = [tag("circle", cx=x, cy=y, r=9, class_="dot")] if point.ringed else []
    return [*ring, tag("circle", hint, cx=x, cy=y, r=5, class_="dot main", opacity=shade)]
