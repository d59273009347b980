"""Trials on one page: the chosen one, what mattered, what collapsed, what labels would have chosen."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from vicreg_core.report.charts.points import Point, scatter
from vicreg_core.report.markup import Child, Markup, tag
from vicreg_core.report.page import document
from vicreg_core.report.sections.section import Section, section, table
from vicreg_core.report.words import number
from vicreg_core.studies.tuning.criteria import Figures
from vicreg_core.studies.tuning.trials import Trial, Tuning, best_of, regret_of

_WEIGHTS = ("objective.invariance", "objective.variance")


def render_tuning(tuning: Tuning, trials: Sequence[Trial], importance: Mapping[str, float]) -> str:
    """The page.

    Args:
        tuning: what was tuned.
        trials: all of them.
        importance: share of each key in the variance of the criterion; empty where it cannot be told.
    """
    best = best_of(trials, tuning.by)
    made = [
        _chosen(tuning, trials, best),
        _charts(tuning, trials, best),
        _importance(importance),
        _all(trials, best),
    ]
    chips = [*tuning.overrides, f"by {tuning.by}", f"{len(trials)} trials"]
    return document(f"Settings for {tuning.recipe}", "", chips, [each for each in made if each is not None])


def in_words(tuning: Tuning, trials: Sequence[Trial]) -> list[str]:
    """What was chosen and what it may have cost, for a terminal and the page."""
    best = best_of(trials, tuning.by)
    if best is None:
        return [f"no trial has a {tuning.by} to choose by: {_why_none(tuning, trials)}"]
    said = [f"trial {best.number} has the best {tuning.by}: {_shown_by(best.figures, tuning.by)}"]
    if (regret := regret_of(trials, best)) is not None:
        labels = "" if tuning.by == "probe" else ", which had no part in the choice"
        said.append(
            f"its accuracy is {best.figures.accuracy:.3f}, {100 * regret:.1f} points below the trial that is "
            f"best by test labels{labels}"
        )
    for how, what in (("collapsed", "collapsed"), ("pruned", "were stopped early")):
        if count := sum(each.figures.ended == how for each in trials):
            said.append(f"{count} of {len(trials)} trials {what}")
    return said


def _why_none(tuning: Tuning, trials: Sequence[Trial]) -> str:
    if all(each.figures.collapsed for each in trials):
        return "all of them collapsed; narrow the space, or lower its learning rates"
    return "the online probe needs labels" if tuning.by == "probe" else "see the runs' evaluation.json"


def _shown_by(figures: Figures, by: str) -> str:
    return number(getattr(figures, by.replace("-", "_")))


def _chosen(tuning: Tuning, trials: Sequence[Trial], best: Trial | None) -> Section:
    said = tag("ul", [tag("li", line) for line in in_words(tuning, trials)])
    if best is None:
        return section("chosen", "Chosen", said)
    rows: list[list[Child]] = [[key, shown(value)] for key, value in best.params.items()]
    listing = table(
        ["", f"trial {best.number}"], rows, caption="The chosen values; best.yaml is the whole recipe"
    )
    return section("chosen", "Chosen", said, listing)


def _charts(tuning: Tuning, trials: Sequence[Trial], best: Trial | None) -> Section | None:
    charts = [
        chart for chart in (_map(tuning, trials, best), _against(tuning, trials, best)) if chart is not None
    ]
    if not charts:
        return None
    lead = "Darker is better by the criterion, the ring is the chosen trial, and a cross collapsed."
    return section("map", "Where it lies", tag("div", charts, class_="charts"), lead=lead)


def _map(tuning: Tuning, trials: Sequence[Trial], best: Trial | None) -> Markup | None:
    if not all(key in tuning.space.keys for key in _WEIGHTS):
        return None
    shades = _shades(tuning, trials)
    points = [
        Point(
            float(each.params[_WEIGHTS[0]]),
            float(each.params[_WEIGHTS[1]]),
            shades[each.number],
            _told(tuning, each),
            crossed=each.figures.collapsed,
            ringed=each is best,
        )
        for each in trials
    ]
    return scatter("Weights", points, x_label="invariance", y_label="variance", log=True)


def _against(tuning: Tuning, trials: Sequence[Trial], best: Trial | None) -> Markup | None:
    shades = _shades(tuning, trials)
    points = [
        Point(value, each.figures.accuracy, shades[each.number], _told(tuning, each), ringed=each is best)
        for each in trials
        if (value := each.figures.value(tuning.by)) is not None and each.figures.accuracy is not None
    ]
    label = "-|alpha - 1|" if tuning.by == "alpha-req" else tuning.by
    return scatter("Criterion and labels", points, x_label=label, y_label="accuracy") if points else None


def _shades(tuning: Tuning, trials: Sequence[Trial]) -> dict[int, float]:
    values = {each.number: each.figures.value(tuning.by) for each in trials}
    known = [value for value in values.values() if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    span = (high - low) or 1.0
    return {number: 0.0 if value is None else (value - low) / span for number, value in values.items()}


def _told(tuning: Tuning, trial: Trial) -> str:
    values = ", ".join(f"{key} {shown(value)}" for key, value in trial.params.items())
    return f"trial {trial.number}: {tuning.by} {_shown_by(trial.figures, tuning.by)}; {values}"


def _importance(importance: Mapping[str, float]) -> Section | None:
    if not importance:
        return None
    rows: list[list[Child]] = [[key, f"{100 * share:.0f}\u202f%"] for key, share in importance.items()]
    lead = "Share of each key in how the criterion varies (fANOVA); of few trials it is a hint."
    return section("importance", "What mattered", table(["", "share"], rows, caption="Importance"), lead=lead)


def _all(trials: Sequence[Trial], best: Trial | None) -> Section:
    keys = list(trials[0].params) if trials else []
    rows: list[list[Child]] = []
    for each in trials:
        name = tag(
            "a",
            f"{each.number}",
            href=f"runs/trial-{each.number:03d}/",
            class_="best" if each is best else None,
        )
        figures = each.figures
        scores = (figures.lidar, figures.rankme, figures.alpha_req, figures.probe, figures.accuracy)
        told = [number(score) for score in scores] if not figures.ended else [figures.ended, *["–"] * 4]
        rows.append([name, *(shown(each.params.get(key)) for key in keys), *told])
    columns = ["trial", *keys, "LiDAR", "RankMe", "alpha-ReQ", "probe", "accuracy"]
    return section("trials", "Trials", tag("div", table(columns, rows, caption="All trials"), class_="sided"))


def shown(value: Any) -> str:
    """A drawn value: numbers to four digits, what was written as JSON as it is."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.4g}"
    if isinstance(value, str):
        read = json.loads(value)
        return read if isinstance(read, str) else value
    return str(value)
