"""The spread and the rank of representation and embedding, over time and at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vicreg_core.report.charts.columns import histogram
from vicreg_core.report.charts.heat import heat_map
from vicreg_core.report.charts.lines import Series, line_chart
from vicreg_core.report.curves import series_of, thinned
from vicreg_core.report.markup import Child, Markup, tag
from vicreg_core.report.record import RunRecord
from vicreg_core.report.sections.section import Section, section, table
from vicreg_core.report.words import count, name_of, number

STD_EDGES = [2 ** (half / 2 - 7) for half in range(19)]
"""Edges of the logged histograms: those of the training's diagnostics, which a page can do without."""

_MOST_COLUMNS = 60
_METRICS = ("rankme", "lidar", "alpha_req", "uniformity", "alignment")


def collapse_section(record: RunRecord) -> Section | None:
    """Everything by which collapse is seen."""
    charts = [*_over_time(record), *_histograms(record)]
    if record.snapshot is not None:
        charts += _final_space(record)
    rank = _rank_table(record)
    if not charts and rank is None:
        return None
    lead = (
        "A collapsed encoder maps samples to few directions or to one point. The embedding is the "
        "projector's output, the representation the encoder's, which is what you use."
    )
    return section("collapse", "Collapse", tag("div", charts, class_="charts"), rank, lead=lead)


def _over_time(record: RunRecord) -> list[Markup]:
    metrics = thinned(record.metrics)
    if not any("embedding_std_median" in each for each in metrics):
        return []
    asked = Series("asked", [each["step"] for each in metrics], [_asked(record)] * len(metrics), 7, True)
    return [
        line_chart(
            "Spread of the embedding",
            [
                series_of(metrics, "embedding_std_median", "median", 0),
                series_of(metrics, "embedding_std_min", "smallest", 1),
                asked,
            ],
            y_label="standard deviation",
            zero=True,
            log=False,
        ),
        line_chart(
            "Effective rank",
            [
                series_of(metrics, "embedding_effective_rank", "embedding", 0),
                series_of(metrics, "representation_effective_rank", "representation", 1),
            ],
            y_label="effective dimensions",
            zero=True,
            log=False,
        ),
    ]


def _histograms(record: RunRecord) -> list[Markup]:
    charts = []
    for space in ("embedding", "representation"):
        key = f"{space}_std_histogram"
        logged = [each for each in record.metrics if len(each.get(key) or ()) == len(STD_EDGES) + 1]
        if len(logged) < 2:
            continue
        kept = thinned(logged, _MOST_COLUMNS)
        embedding = space == "embedding"
        charts.append(
            heat_map(
                f"Spread by dimension, {space}",
                [each["step"] for each in kept],
                [each[key] for each in kept],
                STD_EDGES,
                y_label="standard deviation",
                bound=_asked(record) if embedding else None,
                note="Stronger colour: more dimensions"
                + (" (dashed: asked)." if embedding else ".")
                + " A band that sinks is a space that collapses; one that splits, dimensions that die.",
            )
        )
    return charts


def _final_space(record: RunRecord) -> list[Markup]:
    assert record.snapshot is not None
    space = record.snapshot["space"]
    lines = [_spectrum("representation", space["spectrum"], 0)]
    if of_embedding := (_rank(record).get("embedding") or {}).get("spectrum"):
        lines.append(_spectrum("embedding", of_embedding, 1))
    return [
        line_chart(
            "Covariance spectrum",
            lines,
            x_label="direction, by its variance",
            y_label="variance share",
            log=True,
            note=f"Representation: effective rank {number(space['effective_rank'])} of "
            f"{count(space['dims'])}, over {count(space['rows'])} samples. "
            "A cliff means dimensions that carry nothing.",
        ),
        histogram(
            "Spread of the representation",
            space["std_counts"],
            space["std_edges"],
            x_label="standard deviation",
            y_label="dimensions",
        ),
    ]


def _spectrum(name: str, shares: Sequence[float], colour: int) -> Series:
    kept = [share for share in shares if share > 1e-9]
    return Series(name, list(range(1, len(kept) + 1)), kept, colour)


def _rank_table(record: RunRecord) -> Markup | None:
    """The figures of the protocol ``rank``, of both spaces where the embedding was at hand."""
    result = _rank(record)
    spaces = {"representation": result, "embedding": result.get("embedding") or {}}
    spaces = {name: figures for name, figures in spaces.items() if "rankme" in figures}
    if not spaces:
        return None
    rows: list[list[Child]] = [
        [name_of(metric), *(number(figures.get(metric)) for figures in spaces.values())]
        for metric in _METRICS
        if any(figures.get(metric) is not None for figures in spaces.values())
    ]
    caption = "Rank by protocol rank; compares between runs of one method and data only"
    return tag("div", table(["", *spaces], rows, caption=caption), class_="facts below")


def _rank(record: RunRecord) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (record.evaluation or {}).get("protocols", {}).get("rank", {})
    return found


def _asked(record: RunRecord) -> float:
    return float(record.option("objective.gamma") or 1.0)
