"""Histograms over the steps, as a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from vicreg_core.report.charts.axes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, figure, frame
from vicreg_core.report.charts.scale import Scale
from vicreg_core.report.markup import Markup, tag


def heat_map(
    title: str,
    steps: Sequence[float],
    counts: Sequence[Sequence[int]],
    edges: Sequence[float],
    *,
    y_label: str,
    bound: float | None = None,
    note: str = "",
) -> Markup:
    """A column a step, shaded by the share of the values in each bin; the bins' axis is logarithmic.

    Args:
        title: what is shown.
        steps: in order.
        counts: of each step, between ``edges``; the first counts what lies below them, the last what lies
            above (one more than edges).
        edges: positive, evenly spaced by their logarithm.
        y_label: of the bins' axis.
        bound: drawn dashed.
        note: a sentence below.
    """
    ratio = edges[1] / edges[0]
    ends = [edges[0] / ratio, *edges, edges[-1] * ratio]
    across = Scale(steps[0], max(steps[-1], steps[0] + 1), LEFT, RIGHT)
    up = Scale(ends[0], ends[-1], BOTTOM, TOP, log=True)
    starts = [LEFT, *((across(a) + across(b)) / 2 for a, b in pairwise(steps)), RIGHT]
    cells = [
        _cell(left, right, up(high), up(low), value / max(sum(column), 1))
        for (left, right), column in zip(pairwise(starts), counts, strict=True)
        for (low, high), value in zip(pairwise(ends), column, strict=True)
        if value
    ]
    at = None if bound is None else round(up(bound), 1)
    line = None if at is None else tag("path", d=f"M{LEFT} {at}H{RIGHT}", class_="line s7 dashed")
    spoken = f"{title} by step, from step {steps[0]:g} to {steps[-1]:g}; half lie below "
    spoken += f"{_median(counts[0], ends):.2g} at first and below {_median(counts[-1], ends):.2g} at the end"
    svg = tag(
        "svg",
        cells,
        frame(across, up, "step", f"{y_label} (log)"),
        line,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        class_="chart heat",
        role="img",
        aria_label=spoken,
    )
    return figure(title, svg, note=note)


def _cell(left: float, right: float, top: float, bottom: float, share: float) -> Markup:
    # By its root, so that a few dimensions among many are still seen.
    return tag(
        "rect",
        x=f"{left:.1f}",
        y=f"{top:.1f}",
        width=f"{right - left + 0.3:.1f}",
        height=f"{bottom - top:.1f}",
        opacity=f"{share**0.5:.2f}",
    )


def _median(counts: Sequence[int], ends: Sequence[float]) -> float:
    """The upper end of the bin with the middle value."""
    half = sum(counts) / 2
    return next(high for high, seen in zip(ends[1:], accumulate(counts), strict=True) if seen >= half)
