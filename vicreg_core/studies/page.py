"""A study on one page: scores over seeds, who leads, and how fast each method gets there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vicreg_core.report.charts.lines import Series, line_chart
from vicreg_core.report.markup import Child, tag
from vicreg_core.report.page import document
from vicreg_core.report.sections.section import Section, section, table
from vicreg_core.report.words import count, name_of
from vicreg_core.studies.design import Design
from vicreg_core.studies.results import Outcome, groups_of, scores_of
from vicreg_core.studies.statistics import summaries, time_to, who_leads

_COLOURS = 8


def render_study(design: Design, outcomes: Sequence[Outcome]) -> str:
    """The page."""
    groups = groups_of(outcomes)
    made = [
        _scores(groups, outcomes),
        _leads(outcomes),
        _curves(groups, outcomes),
        _speed(groups, outcomes),
        _runs(outcomes),
    ]
    budget = "the same seconds of training" if design.steps else "the same steps"
    budget = "the same samples" if design.equal_samples else budget
    seeds = "1 seed" if design.seeds == 1 else f"{design.seeds} seeds"
    title = f"{len(groups)} ways to train {design.recipe}"
    chips = [*design.overrides, seeds, budget]
    return document(title, "", chips, [each for each in made if each is not None])


def _scores(groups: Sequence[str], outcomes: Sequence[Outcome]) -> Section:
    rows: list[list[Child]] = []
    for score in scores_of(outcomes):
        found = summaries(outcomes, score)
        best = max(found, key=lambda group: found[group].mean)
        cells: list[Child] = [name_of(score)]
        for group in groups:
            if group not in found:
                cells.append("–")
                continue
            mean = tag("span", f"{found[group].mean:.3f}", class_="best" if group == best else None)
            cells.append(tag("span", mean, tag("span", found[group].spread, class_="delta")))
        floors = [each.floors[score] for each in outcomes if score in each.floors]
        highest = max(floors, key=lambda floor: floor[1], default=None)
        cells.append(f"{highest[1]:.3f} ({name_of(highest[0])})" if highest else "–")
        rows.append(cells)
    lead = (
        "Mean and standard deviation over seeds; the highest mean of a row is bold. Beside them stands the "
    )
    lead += "highest floor, which needs no training."
    listing = table(["", *groups, "highest floor"], rows, caption="Scores by method")
    return section("scores", "Scores", tag("div", listing, class_="sided"), lead=lead)


def _leads(outcomes: Sequence[Outcome]) -> Section | None:
    said = [
        line
        for score in scores_of(outcomes)
        if (line := who_leads(summaries(outcomes, score), name_of(score)))
    ]
    if not said:
        return None
    lead = (
        "Differences are paired by seed; their intervals are Student's t over the seeds. Of many lines, one "
    )
    lead += "in twenty is clear by chance alone."
    return section("leads", "Who leads", tag("ul", [tag("li", line) for line in said]), lead=lead)


def _curves(groups: Sequence[str], outcomes: Sequence[Outcome]) -> Section | None:
    by_step, by_second = list[Series](), list[Series]()
    for place, group in enumerate(groups):
        runs = [each.probes for each in outcomes if each.cell.group == group and not each.failed]
        length = min(map(len, runs), default=0)
        if not length:
            continue
        steps, seconds, scores = np.moveaxis(np.array([run[:length] for run in runs], dtype=np.float64), 2, 0)
        ends = zip(scores.min(axis=0).tolist(), scores.max(axis=0).tolist(), strict=True)
        for lines, across in ((by_step, steps), (by_second, seconds)):
            lines.append(
                Series(
                    group,
                    across.mean(axis=0).tolist(),
                    scores.mean(axis=0).tolist(),
                    place % _COLOURS,
                    dashed=place >= _COLOURS,
                    band=list(ends) if len(runs) > 1 and lines is by_step else [],
                )
            )
    if not by_step:
        return None
    charts = [
        line_chart("By steps", by_step, y_label="kNN accuracy"),
        line_chart("By time", by_second, x_label="seconds of training", y_label="kNN accuracy"),
    ]
    lead = "The online probe on held training samples: means over seeds, shaded from the least to the most."
    return section("curves", "How fast", tag("div", charts, class_="charts"), lead=lead)


def _speed(groups: Sequence[str], outcomes: Sequence[Outcome]) -> Section | None:
    ends = [each.probes[-1][2] for each in outcomes if each.probes and not each.failed]
    if not ends:
        return None
    goals = [share * min(ends) for share in (0.9, 1.0)]
    rows: list[list[Child]] = []
    for group in groups:
        cells: list[Child] = [group]
        for goal in goals:
            reached = [time_to(each, goal) for each in outcomes if each.cell.group == group]
            there = [each for each in reached if each is not None]
            if len(there) < len(reached):
                cells.append(f"{len(there)} of {len(reached)} runs")
            else:
                steps, seconds = np.mean(there, axis=0)
                cells.append(f"{count(round(steps))} steps, {seconds:.1f} s")
        rows.append(cells)
    lead = "Until the online probe first reached the accuracy; that of the last column every run had at its "
    lead += "end. Probes are some way apart, so small differences mean nothing."
    columns = ["", *(f"kNN {goal:.3f}" for goal in goals)]
    listing = table(columns, rows, caption="Time to an accuracy")
    return section("speed", "Time to an accuracy", listing, lead=lead)


def _runs(outcomes: Sequence[Outcome]) -> Section:
    rows: list[list[Child]] = [
        [
            tag("a", each.cell.group, href=f"runs/{each.cell.name}/"),
            each.cell.seed,
            count(each.record.last.get("step", 0)),
            f"{each.seconds:.1f}",
            "failed" if each.failed else "collapsed" if each.collapsed else "–",
        ]
        for each in outcomes
    ]
    columns = ["", "seed", "steps", "seconds", "collapse"]
    return section("runs", "Runs", table(columns, rows, caption="Runs of the study"))
