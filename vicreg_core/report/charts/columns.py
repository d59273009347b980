"""A histogram as columns."""

from __future__ import annotations

from collections.abc import Sequence

from vicreg_core.report.charts.axes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, figure, frame
from vicreg_core.report.charts.scale import Scale
from vicreg_core.report.markup import Markup, tag


def histogram(
    title: str, counts: Sequence[int], edges: Sequence[float], *, x_label: str, y_label: str, note: str = ""
) -> Markup:
    """Columns of ``counts`` between ``edges`` (one more than counts)."""
    across = Scale(edges[0], edges[-1], LEFT, RIGHT)
    up = Scale(0, max(*counts, 1) * 1.06, BOTTOM, TOP)
    columns = []
    for total, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        x, width, y = across(left), across(right) - across(left), up(total)
        hint = tag("title", f"{total} from {left:.3g} to {right:.3g}")
        columns.append(
            tag(
                "rect",
                hint,
                x=f"{x + 0.5:.1f}",
                y=f"{y:.1f}",
                width=f"{max(width - 1, 0.5):.1f}",
                height=f"{BOTTOM - y:.1f}",
                class_="column",
            )
        )
    svg = tag(
        "svg",
        frame(across, up, x_label, y_label),
        columns,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        class_="chart",
        role="img",
        aria_label=f"{title}: {sum(counts)} values from {edges[0]:.3g} to {edges[-1]:.3g}",
    )
    return figure(title, svg, note=note)
