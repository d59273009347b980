"""How scores depend on the number of labels, and which classes are told apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vicreg_core.evaluation.verdict import interval_of
from vicreg_core.report.charts.lines import Series, line_chart
from vicreg_core.report.markup import Child, Markup, tag
from vicreg_core.report.record import RunRecord
from vicreg_core.report.sections.section import Section, section, table
from vicreg_core.report.words import count, interval, name_of, score


def labels_section(record: RunRecord) -> Section | None:
    """Accuracy by number of labels, of the encoder and its floors."""
    evaluation = record.evaluation or {}
    subjects = {"encoder": evaluation.get("protocols", {}), **(evaluation.get("baselines") or {})}
    rows = {name: _by_labels(results.get("label-fractions", {})) for name, results in subjects.items()}
    if not rows["encoder"]:
        return None
    metric = rows["encoder"][0]["metric"]
    lines = [
        Series(
            name_of(name),
            [row["n_train"] for row in of],
            [100 * row[metric] for row in of],
            place,
            band=[
                (100 * low, 100 * high)
                for row in of
                for low, high in [interval_of(row) or (row[metric],) * 2]
            ],
        )
        for place, (name, of) in enumerate(rows.items())
    ]
    chart = line_chart(
        f"{name_of(metric).capitalize()} by number of labels",
        lines,
        x_label="labels (log scale)",
        y_label=f"{name_of(metric)} (%)",
        log_x=True,
        log=False,
        note="Bands: 95\u202f% intervals, over draws of the labels where there are several.",
    )
    cells: list[list[Child]] = [
        [
            row["name"],
            count(row["n_train"]),
            count(row.get("draws", 1)),
            score(metric, row[metric]),
            interval(metric, interval_of(row)) or "–",
        ]
        for row in rows["encoder"]
    ]
    listing = table(
        ["labels", "n", "draws", name_of(metric), "95\u202f% interval"],
        cells,
        caption=f"{name_of(metric).capitalize()} of the encoder by labels",
    )
    lead = (
        "A linear probe on the frozen encoder, given few of the labels: where a curve is flat, more labels "
        "buy little."
    )
    return section(
        "labels",
        "How few labels suffice",
        tag("div", chart, listing, class_="split aside"),
        lead=lead,
        short="Labels",
    )


def _by_labels(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return sorted(result.get("rows", []), key=lambda row: int(row["n_train"]))


def confusion_section(record: RunRecord) -> Section | None:
    """Confusion matrix and table of the classes: of the linear probe, else of the first that has them."""
    protocols: Mapping[str, Any] = (record.evaluation or {}).get("protocols", {})
    names = sorted(protocols, key=lambda name: name != "linear")
    name = next((n for n in names if "per_class" in protocols[n]), None)
    if name is None:
        return None
    result = protocols[name]
    classes = [str(row["class"]) for row in result["per_class"]]
    cells: list[list[Child]] = [
        [
            str(row["class"]),
            count(row["n"]),
            *(score("recall", row[key]) for key in ("recall", "precision", "f1")),
        ]
        for row in result["per_class"]
    ]
    listing = table(["class", "n", "recall", "precision", "F1"], cells, caption=f"Classes, {name_of(name)}")
    matrix = _matrix(classes, result["confusion"]) if "confusion" in result else None
    body = tag("div", matrix, listing, class_="split even") if matrix else listing
    return section("classes", "Classes", body, lead=f"Of the {name_of(name)} on the test samples.")


def _matrix(classes: list[str], confusion: list[list[int]]) -> Markup:
    head = tag(
        "tr", tag("td"), [tag("th", tag("span", name), scope="col", class_="turned") for name in classes]
    )
    rows = []
    for place, (name, row) in enumerate(zip(classes, confusion, strict=True)):
        total = sum(row)
        cells = [
            tag(
                "td",
                value or tag("span", "·", class_="none"),
                class_="hit" if place == other else None,
                style=f"--share:{value / total:.3f}" if value else None,
                title=f"{value} of {total} {name}: predicted {classes[other]}",
            )
            for other, value in enumerate(row)
        ]
        rows.append(tag("tr", tag("th", name, scope="row"), cells))
    caption = "Samples of each class (rows) by predicted class (columns); shade: share of the row"
    inner = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", rows), class_="confusion")
    return tag("div", inner, class_="scroll", tabindex="0", role="region", aria_label="Confusion matrix")
