"""How training went: loss terms, the probe beside it, optimisation and time."""

from __future__ import annotations

from statistics import median

from vicreg_core.report.charts.lines import Series, line_chart
from vicreg_core.report.curves import per_branch, series_of, thinned
from vicreg_core.report.markup import Markup, tag
from vicreg_core.report.record import RunRecord
from vicreg_core.report.sections.section import Section, section
from vicreg_core.report.words import count, duration, number


def loss_section(record: RunRecord) -> Section | None:
    """The loss and its terms, the covariance with the floor it cannot go below."""
    if not record.metrics:
        return None
    metrics = thinned(record.metrics)
    floor = record.last.get("covariance_floor")
    covariance = per_branch(metrics, "covariance")
    if floor:
        covariance.append(series_of(metrics, "covariance_floor", "floor", 7, dashed=True))
    note = (
        f"The rank of a batch bounds the covariance term: at unit variance no branch gets below "
        f"{number(floor)} (dashed). Read the distance to it."
        if floor
        else ""
    )
    charts = [
        line_chart("Loss", [series_of(metrics, "loss", "weighted sum")], y_label="loss"),
        line_chart(
            "Invariance",
            [series_of(metrics, "invariance", "views of one sample")],
            y_label="squared difference",
        ),
        line_chart(
            "Variance",
            per_branch(metrics, "variance"),
            y_label="missing std (mean)",
            zero=True,
            log=False,
            note="How far the standard deviation of a dimension stays below the target (mean); 0 is met.",
        ),
        line_chart("Covariance", covariance, y_label="covariance term", note=note),
    ]
    charts += _probe(record)
    lead = "Raw terms, before their weights."
    return section("loss", "Loss terms", tag("div", charts, class_="charts"), lead=lead, short="Loss")


def _probe(record: RunRecord) -> list[Markup]:
    """The online probe, where the recipe has one."""
    probed = [each for each in record.metrics if each.get("probe_knn") is not None]
    if not probed:
        return []
    steps = [each["step"] for each in probed]
    lines = [Series("k-nearest neighbours", steps, [100 * each["probe_knn"] for each in probed])]
    if (chance := probed[-1].get("probe_chance")) is not None:
        lines.append(Series("largest class", steps, [100 * chance] * len(steps), 7, True))
    note = f"On {count(probed[-1]['probe_n'])} held samples; no gradient reaches the encoder from it."
    return [line_chart("Online probe", lines, y_label="accuracy (%)", log=False, note=note)]


def time_section(record: RunRecord) -> Section | None:
    """Learning rate, gradients, throughput, and where the time went."""
    if not record.metrics:
        return None
    metrics = thinned(record.metrics)
    rates = [r["samples_per_second"] for r in record.metrics if r.get("samples_per_second")]
    note = f"Median {number(median(rates))} samples a second, over all processes." if rates else ""
    charts = [
        line_chart(
            "Throughput",
            [series_of(metrics, "samples_per_second", "training")],
            y_label="samples per second",
            zero=True,
            log=False,
            note=note,
        ),
        line_chart(
            "Learning rate",
            [series_of(metrics, "lr", "learning rate")],
            y_label="learning rate",
            zero=True,
            log=False,
        ),
        line_chart("Gradient norm", [series_of(metrics, "grad_norm", "before clipping")], y_label="norm"),
    ]
    return section(
        "time",
        "Time and optimisation",
        tag("div", _where_time_went(record), charts, class_="charts"),
        short="Time",
    )


def _where_time_went(record: RunRecord) -> Markup | None:
    total = sum(phase.seconds for phase in record.phases)
    if not total:
        return None
    parts = [
        tag("span", class_=f"part f{place}", style=f"flex-grow:{phase.seconds / total:.4f}", title=phase.name)
        for place, phase in enumerate(record.phases)
    ]
    names = [
        tag("span", tag("i", class_=f"key box k{place}"), phase.name, tag("b", duration(phase.seconds)))
        for place, phase in enumerate(record.phases)
    ]
    return tag(
        "figure",
        tag("figcaption", tag("b", f"Where {duration(total)} went")),
        tag("div", parts, class_="bar", aria_hidden="true"),
        tag("p", names, class_="legend phases"),
    )
