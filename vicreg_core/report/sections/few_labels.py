"""What few labels come to, drawn or suggested, decided by a linear classifier or by what ``fit`` chooses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vicreg_core.evaluation.verdict import interval_of
from vicreg_core.report.charts.lines import Series, line_chart
from vicreg_core.report.markup import Child, tag
from vicreg_core.report.record import RunRecord
from vicreg_core.report.sections.section import Section, section, table
from vicreg_core.report.words import count, name_of, score

PROTOCOL = "few-labels"
_BEST = ("suggested", "fit")
_LINES = (_BEST, ("drawn", "fit"), ("suggested", "linear"), ("drawn", "linear"))


def few_labels_section(record: RunRecord) -> Section | None:
    """Accuracy by number of labels, of each way to choose and to use them; of floors the best way."""
    evaluation = record.evaluation or {}
    rows = evaluation.get("protocols", {}).get(PROTOCOL, {}).get("rows", [])
    if not rows:
        return None
    floors = {name: of.get(PROTOCOL, {}).get("rows", []) for name, of in evaluation["baselines"].items()}
    metric = rows[0]["metric"]
    chart = line_chart(
        f"{name_of(metric).capitalize()} by number of labels",
        [*_own(rows, metric), *_of_floors(floors, metric)],
        x_label="labels (log scale)",
        y_label=f"{name_of(metric)} (%)",
        log_x=True,
        log=False,
        note="Dashed: linear classifier. Bands: 95\u202f% intervals of the mean over draws. Floors: "
        "labels suggested in their own features, decided as fit does.",
    )
    by_name = {(row["n_train"], row["labels"], row["classifier"]): row for row in rows}
    cells: list[list[Child]] = [
        [count(n), *(_cell(by_name.get((n, *line)), metric) for line in _LINES)]
        for n in sorted({row["n_train"] for row in rows})
    ]
    listing = table(
        ["labels", *(", ".join(line) for line in _LINES)],
        cells,
        caption=f"{name_of(metric).capitalize()} of the encoder, mean over draws",
    )
    lead = (
        "So many labels of the training samples, drawn at random or those that vicreg suggest names, given "
        "to a linear classifier or to what vicreg fit chooses, which uses the unlabelled samples too."
    )
    return section(
        "few-labels",
        "From few labels to decisions",
        tag("div", chart, listing, class_="split aside"),
        lead=lead,
        short="Few labels",
    )


def _cell(row: Mapping[str, Any] | None, metric: str) -> str:
    return "–" if row is None else score(metric, row[metric])


def _own(rows: Sequence[Mapping[str, Any]], metric: str) -> Iterator[Series]:
    for how, classifier in _LINES:
        of = [row for row in rows if (row["labels"], row["classifier"]) == (how, classifier)]
        yield _line(
            f"{how}, {classifier}",
            of,
            metric,
            colour=("suggested", "drawn").index(how),
            dashed=classifier == "linear",
            band=classifier == "fit",
        )


def _of_floors(floors: Mapping[str, Sequence[Mapping[str, Any]]], metric: str) -> Iterator[Series]:
    for place, (name, rows) in enumerate(floors.items()):
        of = [row for row in rows if (row["labels"], row["classifier"]) == _BEST]
        yield _line(name_of(name), of, metric, colour=2 + place)


def _line(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    metric: str,
    *,
    colour: int,
    dashed: bool = False,
    band: bool = False,
) -> Series:
    ordered = sorted(rows, key=lambda row: int(row["n_train"]))
    ends = [interval_of(row) or (row[metric],) * 2 for row in ordered] if band else []
    return Series(
        name,
        [row["n_train"] for row in ordered],
        [100 * row[metric] for row in ordered],
        colour,
        dashed=dashed,
        band=[(100 * low, 100 * high) for low, high in ends],
    )
