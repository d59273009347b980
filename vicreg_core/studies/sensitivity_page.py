"""The map of settings on one page, and in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from vicreg_core.report.charts.lines import Series, line_chart
from vicreg_core.report.charts.points import Point, scatter
from vicreg_core.report.markup import Child, Markup, tag
from vicreg_core.report.page import document
from vicreg_core.report.sections.section import Section, section, table
from vicreg_core.report.words import name_of
from vicreg_core.studies.design import Design
from vicreg_core.studies.results import Outcome, scores_of
from vicreg_core.studies.sensitivity import Axis, Survey


class Reached(NamedTuple):
    """What one setting came to.

    Attributes:
        mean: of the score over its seeds; ``None`` where a run has none.
        low, high: over the seeds.
        collapsed: in some seed.
    """

    mean: float | None
    low: float
    high: float
    collapsed: bool


def reached(runs: Sequence[Outcome], score: str) -> Reached:
    """A score over the runs of a setting."""
    values = [each.scores[score] for each in runs if score in each.scores]
    collapsed = any(each.collapsed for each in runs)
    if len(values) < len(runs) or not values:
        return Reached(None, np.nan, np.nan, collapsed)
    return Reached(float(np.mean(values)), min(values), max(values), collapsed)


def main_score(outcomes: Sequence[Outcome]) -> str | None:
    """What settings are judged by: the linear probe where there is one."""
    scores = scores_of(outcomes)
    return "linear" if "linear" in scores else scores[0] if scores else None


def in_words(what: Survey, outcomes: Sequence[Outcome]) -> list[str]:
    """The span of each key, widest first, and what collapsed."""
    score = main_score(outcomes)
    if score is None:
        return ["no run has a score: the data have no labels, or all collapsed"]
    own = reached(what.outcome(outcomes, ()), score)
    said, spans = [], []
    for axis in what.axes:
        found = [
            (value, reached(what.outcome(outcomes, axis.setting(value)), score)) for value in axis.values
        ]
        means = [each.mean for _, each in found if each.mean is not None]
        lost = [shown(value) for value, each in found if each.mean is None or each.collapsed]
        told = f"; collapses at {', '.join(lost)}" if lost else ""
        if means:
            ends = f"{axis.key}: {name_of(score)} from {min(means):.3f} to {max(means):.3f}{told}"
            spans.append((max(means) - min(means), ends))
        else:
            said.append(f"{axis.key}{told}")
    if own.mean is not None:
        said.insert(0, f"the recipe as it is: {name_of(score)} {own.mean:.3f}")
    return said + [line for _, line in sorted(spans, reverse=True)]


def render_sensitivity(design: Design, what: Survey, outcomes: Sequence[Outcome]) -> str:
    """The page."""
    made = [_spans(what, outcomes), _charts(what, outcomes), _table(what, outcomes)]
    seeds = "1 seed" if design.seeds == 1 else f"{design.seeds} seeds"
    chips = [*design.overrides, seeds, f"{len(outcomes)} runs"]
    return document(
        f"How {design.recipe} depends on its settings", "", chips, [each for each in made if each is not None]
    )


def rows_of(what: Survey, outcomes: Sequence[Outcome]) -> list[list[str]]:
    """For a terminal: key, value, each score or that it collapsed; the recipe's own values are marked."""
    scores = scores_of(outcomes)
    rows = []
    for axis in what.axes:
        for value in axis.values:
            runs = what.outcome(outcomes, axis.setting(value))
            cells = [_cell(reached(runs, score)) for score in scores]
            mark = " (the recipe's)" if value == axis.own else ""
            collapsed = any(each.collapsed for each in runs)
            rows.append([axis.key, f"{shown(value)}{mark}", *cells, "collapsed" if collapsed else "-"])
    return rows


def shown(value: Any) -> str:
    """A value as a recipe has it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(found: Reached) -> str:
    if found.mean is None:
        return "-"
    half = (found.high - found.low) / 2
    return f"{found.mean:.3f}" + (f" ± {half:.3f}" if half else "")


def _spans(what: Survey, outcomes: Sequence[Outcome]) -> Section:
    lead = "Each key alone, all others as the recipe has them; the widest span first."
    said = tag("ul", [tag("li", line) for line in in_words(what, outcomes)])
    return section("spans", "What matters", said, lead=lead)


def _map(what: Survey, outcomes: Sequence[Outcome]) -> Markup | None:
    score = main_score(outcomes)
    if not what.grid or score is None:
        return None
    first, second = what.grid
    found = [
        (a, b, reached(what.outcome(outcomes, (*first.setting(a), *second.setting(b))), score))
        for a in first.values
        for b in second.values
    ]
    means = [each.mean for *_, each in found if each.mean is not None]
    low, high = (min(means), max(means)) if means else (0.0, 1.0)
    points = [
        Point(
            a,
            b,
            0.0 if each.mean is None else (each.mean - low) / ((high - low) or 1.0),
            f"invariance {shown(a)}, variance {shown(b)}: "
            + ("collapsed" if each.mean is None else f"{name_of(score)} {each.mean:.3f}"),
            crossed=each.mean is None or each.collapsed,
            ringed=(a, b) == (first.own, second.own),
        )
        for a, b, each in found
    ]
    note = f"Darker: a higher {name_of(score)} ({low:.3f} to {high:.3f}). A cross collapsed, the ring is the "
    note += "recipe's own."
    return scatter("Both weights", points, x_label="invariance", y_label="variance", log=True, note=note)


def _charts(what: Survey, outcomes: Sequence[Outcome]) -> Section | None:
    scores = [each for each in ("linear", "knn") if each in scores_of(outcomes)] or scores_of(outcomes)[:1]
    if not scores:
        return None
    charts = [_chart(axis, what, outcomes, scores) for axis in what.axes if _is_numeric(axis)]
    if (together := _map(what, outcomes)) is not None:
        charts.append(together)
    if not charts:
        return None
    lead = "Means over seeds, shaded from the least to the most. A gap is a collapse."
    return section("keys", "Key by key", tag("div", charts, class_="charts"), lead=lead)


def _chart(axis: Axis, what: Survey, outcomes: Sequence[Outcome], scores: Sequence[str]) -> Markup:
    lines = []
    for place, score in enumerate(scores):
        found = [reached(what.outcome(outcomes, axis.setting(value)), score) for value in axis.values]
        bands = [(each.low, each.high) for each in found]
        several = any(low < high for low, high in bands) and not any(each.mean is None for each in found)
        lines.append(
            Series(
                name_of(score),
                [float(value) for value in axis.values],
                [each.mean for each in found],
                place,
                band=bands if several else [],
            )
        )
    return line_chart(
        axis.key,
        lines,
        x_label=f"{axis.key} (the recipe's: {shown(axis.own)})",
        y_label="score",
        log=False,
        log_x=min(axis.values) > 0,
    )


def _is_numeric(axis: Axis) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in axis.values)


def _table(what: Survey, outcomes: Sequence[Outcome]) -> Section:
    rows: list[list[Child]] = [list(row) for row in rows_of(what, outcomes)]
    columns = ["key", "value", *map(name_of, scores_of(outcomes)), "collapse"]
    listing = tag("div", table(columns, rows, caption="Every value of every key"), class_="sided")
    return section("values", "Values", listing)
