"""A line chart: some series over training steps or another number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from vicreg_core.report.charts.axes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, figure, frame
from vicreg_core.report.charts.scale import Scale
from vicreg_core.report.markup import Markup, tag
from vicreg_core.report.words import number

_LOG_FROM = 30.0
"""Ratio of the largest to the smallest value above which an axis is logarithmic."""
_MARKED = 12
"""Most points of a line that are marked one by one."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line.

    Attributes:
        name: in the legend.
        x, y: values in the order of ``x``; ``None`` makes a gap.
        colour: index into the palette.
        dashed: a second way to tell lines apart, and the mark of a bound.
        band: ends of the interval of each ``y``; empty for none.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float | None]
    colour: int = 0
    dashed: bool = False
    band: Sequence[tuple[float, float]] = ()


def line_chart(
    title: str,
    series: Sequence[Series],
    *,
    x_label: str = "step",
    y_label: str = "",
    zero: bool = False,
    log: bool | None = None,
    log_x: bool = False,
    note: str = "",
) -> Markup:
    """A figure with a legend in words above and labelled axes.

    Args:
        title: what is shown.
        series: the lines; those without any value are left out.
        x_label, y_label: of the axes, with units.
        zero: the vertical axis starts at zero.
        log: logarithmic vertical axis; ``None`` decides by the range.
        log_x: logarithmic horizontal axis.
        note: a sentence below.
    """
    shown = [line for line in series if any(y is not None for y in line.y)]
    values = [y for line in shown for y in line.y if y is not None]
    values += [end for line in shown for ends in line.band for end in ends]
    if log is None:
        log = not zero and bool(values) and min(values) > 0 and max(values) > _LOG_FROM * min(values)
    across = _across([x for line in shown for x in line.x], log_x)
    up = Scale.over(values, BOTTOM, TOP, log=log, zero=zero)
    svg = tag(
        "svg",
        frame(across, up, x_label, y_label + (" (log)" if up.log else "")),
        [_band(each, across, up) for each in shown if each.band],
        [_line(each, across, up) for each in shown],
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        class_="chart lines",
        role="img",
        tabindex="0",
        aria_label=_spoken(title, shown, x_label),
        data_chart=_data(shown, across, up, x_label),
    )
    legend = [_legend_entry(s.name, s.colour, s.dashed) for s in shown] if len(shown) > 1 else []
    return figure(title, svg, legend=legend, note=note)


def _legend_entry(name: str, colour: int, dashed: bool) -> Markup:
    return tag("span", tag("i", class_=f"key k{colour}{' dashed' if dashed else ''}"), name)


def _across(values: Sequence[float], log: bool) -> Scale:
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if log and low > 0:
        return Scale(low / 1.3, high * 1.3, LEFT, RIGHT, True)
    return Scale(low, high, LEFT, RIGHT) if low < high else Scale(low - 1, high + 1, LEFT, RIGHT)


def _line(series: Series, across: Scale, up: Scale) -> list[Markup]:
    points = [None if y is None else (across(x), up(y)) for x, y in zip(series.x, series.y, strict=True)]
    path, pen_down = [], False
    for point in points:
        if point is not None:
            path.append(f"{'L' if pen_down else 'M'}{point[0]:.1f} {point[1]:.1f}")
        pen_down = point is not None
    drawn = [
        tag("path", d="".join(path), class_=f"line s{series.colour}{' dashed' if series.dashed else ''}")
    ]
    if len(points) <= _MARKED and not series.dashed:
        drawn += [
            tag("circle", cx=f"{p[0]:.1f}", cy=f"{p[1]:.1f}", r=3, class_=f"mark f{series.colour}")
            for p in points
            if p is not None
        ]
    return drawn


def _band(series: Series, across: Scale, up: Scale) -> Markup:
    there = [f"{across(x):.1f} {up(high):.1f}" for x, (_, high) in zip(series.x, series.band, strict=True)]
    back = [f"{across(x):.1f} {up(low):.1f}" for x, (low, _) in zip(series.x, series.band, strict=True)]
    return tag("path", d=f"M{'L'.join(there + back[::-1])}Z", class_=f"band f{series.colour}")


def _spoken(title: str, shown: Sequence[Series], x_label: str) -> str:
    parts = []
    for series in shown:
        first, last = (next(y for y in ys if y is not None) for ys in (series.y, series.y[::-1]))
        parts.append(f"{series.name} from {number(first)} to {number(last)}")
    return f"{title} by {x_label}: {'; '.join(parts) or 'no values'}. Arrow keys read single values."


def _data(shown: Sequence[Series], across: Scale, up: Scale, x_label: str) -> str:
    """What the page's script needs to read values off the chart; lines may share the first one's ``x``."""
    lines = [
        {
            "name": s.name,
            "colour": s.colour,
            "x": None if index and s.x == shown[0].x else list(s.x),
            "y": [None if y is None else float(f"{y:.4g}") for y in s.y],
        }
        for index, s in enumerate(shown)
    ]
    axes = [[scale.low, scale.high, scale.start, scale.end, scale.log] for scale in (across, up)]
    return json.dumps({"label": x_label, "axes": axes, "lines": lines}, separators=(",", ":"))
