"""What a run reached, beside its floors, and what is to be said of it."""

from __future__ import annotations

from itertools import groupby

from vicreg_core.report.charts.dots import Dot, dot_chart
from vicreg_core.report.markup import Child, Markup, tag
from vicreg_core.report.record import RunRecord
from vicreg_core.report.scores import Headline, Score, headlines, main_headline, skipped
from vicreg_core.report.sections.section import Section, section, table
from vicreg_core.report.verdicts import verdicts
from vicreg_core.report.words import SHARES, count, interval, name_of, score

_TONES = {"good": "Good", "note": "Note", "warning": "Warning", "problem": "Problem"}


def result_section(record: RunRecord) -> Section:
    """The headline number, the chart of all scores, verdicts and what is missing."""
    found = headlines(record.evaluation)
    single = [each for each in found if not each.row]
    main = main_headline(found)
    said = [
        tag("li", tag("b", _TONES[v.tone]), tag("span", v.text), class_=f"verdict tone-{v.tone}")
        for v in verdicts(record)
    ]
    said += [
        tag("li", tag("b", "Missing"), tag("span", sentence), class_="verdict tone-missing")
        for sentence in record.missing
    ]
    notes = [tag("p", note, class_="note") for note in (record.evaluation or {}).get("notes", [])]
    notes += [
        tag("p", f"{name_of(name)} was skipped: {why}.", class_="note")
        for name, why in skipped(record.evaluation)
    ]
    left = tag("div", _big(main) if main else None, tag("ul", said, class_="verdicts"), notes)
    if not found:
        return section("result", "Result", left)
    listing = tag("details", tag("summary", "All scores as a table"), _table(found))
    right = tag("div", tag("div", _charts(single), class_="card") if single else None, listing)
    return section("result", "Result", tag("div", left, right, class_="split"))


def _big(headline: Headline) -> Markup:
    own = headline.encoder
    bounds = interval(headline.metric, own.interval)
    row = f", {headline.row}" if headline.row else ""
    what = f"{name_of(headline.protocol)}{row} · {name_of(headline.metric)}"
    detail = [f"95\u202f% interval {bounds}" if bounds else "", f"n = {count(own.n)}" if own.n else ""]
    return tag(
        "div",
        tag("p", what, class_="what"),
        tag("p", score(headline.metric, own.value), class_="value"),
        tag("p", " · ".join(filter(None, detail)), class_="detail"),
        class_="big",
    )


def _charts(found: list[Headline]) -> list[Child]:
    """A chart for each metric, since an axis has one unit."""
    charts: list[Child] = []
    ordered = sorted(found, key=lambda each: each.metric)
    for metric, group in groupby(ordered, key=lambda each: each.metric):
        rows = [
            (name_of(each.protocol), [_dot(metric, each.encoder), *(_dot(metric, f) for f in each.floors)])
            for each in group
        ]
        share = metric in SHARES
        axis = f"{name_of(metric)}{' (%)' if share else ''}, whiskers: 95\u202f% interval"
        charts.append(
            dot_chart("The encoder beside its floors", rows, axis=axis, factor=100.0 if share else 1.0)
        )
    return charts


def _dot(metric: str, of: Score) -> Dot:
    return Dot(name_of(of.subject), of.value, of.interval, score(metric, of.value), of.subject == "encoder")


def _table(found: list[Headline]) -> Markup:
    rows: list[list[Child]] = []
    for each in found:
        for of in (each.encoder, *each.floors):
            what = name_of(each.protocol) + (f", {each.row}" if each.row else "")
            own = of.subject == "encoder"
            rows.append(
                [
                    what,
                    tag("b", name_of(of.subject)) if own else name_of(of.subject),
                    name_of(each.metric),
                    score(each.metric, of.value),
                    interval(each.metric, of.interval) or "–",
                    count(of.n) if of.n else "–",
                ]
            )
    columns = ["protocol", "subject", "metric", "score", "95\u202f% interval", "n"]
    return table(columns, rows, caption="Scores of the encoder and its floors", numeric=3)
