"""What is left of an accuracy where samples come in a worse state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vicreg_core.report.charts.lines import Series, line_chart
from vicreg_core.report.markup import tag
from vicreg_core.report.record import RunRecord
from vicreg_core.report.sections.section import Section, section
from vicreg_core.report.words import name_of

_COLOURS = 8


def robustness_section(record: RunRecord) -> Section | None:
    """Accuracy by severity: of the encoder and its floors over all corruptions, and of each corruption."""
    evaluation = record.evaluation or {}
    own = evaluation.get("protocols", {}).get("robustness", {})
    if not own.get("rows"):
        return None
    subjects = {"encoder": own}
    for name, results in (evaluation.get("baselines") or {}).items():
        if results.get("robustness", {}).get("rows"):
            subjects[name] = results["robustness"]
    means = [
        _line(name_of(name), result["rows"][0], result["severities"], place)
        for place, (name, result) in enumerate(subjects.items())
    ]
    each = [
        _line(name_of(row["name"]), row, own["severities"], place % _COLOURS, place >= _COLOURS)
        for place, row in enumerate(own["rows"][1:])
    ]
    charts = [
        line_chart(title, lines, x_label="severity (0: clean)", y_label="accuracy (%)", log=False)
        for title, lines in (("Mean over corruptions", means), ("Each corruption, this encoder", each))
        if lines
    ]
    lead = "A linear probe that learned from clean samples meets corrupted ones."
    return section("robustness", "Robustness", tag("div", charts, class_="split twin"), lead=lead)


def _line(
    name: str, row: Mapping[str, Any], severities: Sequence[float], colour: int, dashed: bool = False
) -> Series:
    shares = [row["clean"], *row["by_severity"]]
    return Series(name, [0, *severities], [100 * share for share in shares], colour, dashed)
