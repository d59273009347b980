"""Several runs on one page: their scores, their curves on common axes, and where their recipes differ."""

from __future__ import annotations

from collections.abc import Sequence

from vicreg_core.report.charts.lines import Series, line_chart
from vicreg_core.report.curves import series_of, thinned
from vicreg_core.report.markup import Child, tag
from vicreg_core.report.page import document
from vicreg_core.report.record import RunRecord
from vicreg_core.report.scores import Score, headlines
from vicreg_core.report.sections.facts import flat
from vicreg_core.report.sections.section import Section, section, table
from vicreg_core.report.verdicts import verdicts
from vicreg_core.report.words import count, interval, name_of, score

_COLOURS = 8
_READING = frozenset({"workers", "cache", "on_error"})
_CURVES = (
    ("loss", "Loss", "loss"),
    ("invariance", "Invariance", "squared difference"),
    ("variance", "Variance", "missing std (mean)"),
    ("covariance_excess", "Covariance above its floor", "excess of a branch"),
    ("embedding_std_median", "Spread of the embedding", "median std"),
    ("embedding_effective_rank", "Rank of the embedding", "effective dimensions"),
    ("representation_effective_rank", "Rank of the representation", "effective dimensions"),
    ("samples_per_second", "Throughput", "samples per second"),
)


def render_comparison(records: Sequence[RunRecord]) -> str:
    """The page of several runs."""
    names = _names(records)
    made = [
        _scores(names, records),
        _problems(names, records),
        _curves(names, records),
        _recipes(names, records),
    ]
    title = f"{len(records)} runs side by side"
    return document(title, "", names, [each for each in made if each is not None])


def _names(records: Sequence[RunRecord]) -> list[str]:
    """The runs' names, numbered where two are the same."""
    names = [record.name for record in records]
    return [f"{name} ({place})" if names.count(name) > 1 else name for place, name in enumerate(names, 1)]


def _scores(names: list[str], records: Sequence[RunRecord]) -> Section:
    by_run = [{(h.protocol, h.row, h.metric): h for h in headlines(record.evaluation)} for record in records]
    keys = list(dict.fromkeys(key for found in by_run for key in found))
    if not keys:
        return section("scores", "Scores", tag("p", "None of these runs has been evaluated.", class_="note"))
    rows: list[list[Child]] = []
    for key in keys:
        protocol, row, metric = key
        there = [found[key].encoder.value for found in by_run if key in found]
        best = max(there) if len(there) > 1 else None
        cells = [_cell(metric, found[key].encoder, best) if key in found else "–" for found in by_run]
        rows.append([f"{name_of(protocol)}{f', {row}' if row else ''} · {name_of(metric)}", *cells])
        floors = [found[key].highest_floor if key in found else None for found in by_run]
        if any(floors):
            told = [f"{score(metric, f.value)} ({name_of(f.subject)})" if f else "–" for f in floors]
            rows.append(
                [
                    tag("span", "highest floor", class_="delta"),
                    *(tag("span", t, class_="delta") for t in told),
                ]
            )
    lead = "The encoder of each run, last step, with its 95\u202f% interval; a row's highest score is bold. "
    lead += "Intervals that overlap are no proof of a difference, nor is one seed each."
    if len({_data(record) for record in records}) > 1:
        lead += " These runs are not of the same data: their scores do not compare."
    listing = table(["", *names], rows, caption="Scores by run")
    return section("scores", "Scores", tag("div", listing, class_="sided"), lead=lead)


def _data(record: RunRecord) -> str:
    """What a run's samples are, leaving out how they are read."""
    data = dict(record.option("data") or {})
    return repr(sorted((key, str(value)) for key, value in data.items() if key not in _READING))


def _cell(metric: str, own: Score, best: float | None) -> Child:
    bounds = interval(metric, own.interval)
    return tag(
        "span",
        tag("span", score(metric, own.value), class_="best" if own.value == best else None),
        tag("span", f" ({bounds})", class_="delta") if bounds else None,
    )


def _problems(names: list[str], records: Sequence[RunRecord]) -> Section | None:
    said = [
        tag("li", tag("b", name), tag("span", verdict.text), class_=f"verdict tone-{verdict.tone}")
        for name, record in zip(names, records, strict=True)
        for verdict in verdicts(record)
        if verdict.tone in ("problem", "warning")
    ]
    return section("warnings", "What to mind", tag("ul", said, class_="verdicts")) if said else None


def _curves(names: list[str], records: Sequence[RunRecord]) -> Section | None:
    thin = [thinned(record.metrics) for record in records]
    charts = []
    for key, title, label in _CURVES:
        lines: list[Series] = [
            series_of(metrics, key, name, place % _COLOURS, dashed=place >= _COLOURS)
            for place, (name, metrics) in enumerate(zip(names, thin, strict=True))
            if any(record.get(key) is not None for record in metrics)
        ]
        if lines:
            charts.append(line_chart(title, lines, y_label=label, zero=key == "samples_per_second"))
    if not charts:
        return None
    lead = "Terms of the loss compare only between runs with the same objective and projector width."
    return section("curves", "Curves", tag("div", charts, class_="charts"), lead=lead)


def _recipes(names: list[str], records: Sequence[RunRecord]) -> Section:
    flattened = [dict(flat(record.recipe)) for record in records]
    keys = list(dict.fromkeys(key for values in flattened for key in values if key != "summary"))
    differing = [key for key in keys if len({values.get(key) for values in flattened}) > 1]
    if not differing:
        return section("recipes", "Recipes", tag("p", "The recipes are the same.", class_="note"))
    rows: list[list[Child]] = [
        [key, *(values.get(key, "not set") for values in flattened)] for key in differing
    ]
    lead = f"The {count(len(differing))} of {count(len(keys))} keys that are not the same everywhere."
    return section(
        "recipes",
        "Where the recipes differ",
        tag("div", table(["", *names], rows, caption="Recipe keys that differ"), class_="sided"),
        lead=lead,
    )
