"""How training went: loss terms, collapse, optimisation and time."""

from __future__ import annotations

from statistics import median

from vicreg_core.report.charts.columns import histogram
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
    lead = "Raw terms, before their weights."
    return section("loss", "Loss terms", tag("div", charts, class_="charts"), lead=lead, short="Loss")


def collapse_section(record: RunRecord) -> Section | None:
    """The spread and the rank of both spaces, over time and at the end."""
    charts: list[Markup] = []
    metrics = thinned(record.metrics)
    if any("embedding_std_median" in each for each in metrics):
        gamma = record.option("objective.gamma") or 1.0
        asked = [gamma] * len(metrics)
        steps = [each["step"] for each in metrics]
        charts.append(
            line_chart(
                "Spread of the embedding",
                [
                    series_of(metrics, "embedding_std_median", "median", 0),
                    series_of(metrics, "embedding_std_min", "smallest", 1),
                    Series("asked", steps, asked, 7, True),
                ],
                y_label="standard deviation",
                zero=True,
                log=False,
            )
        )
        charts.append(
            line_chart(
                "Effective rank",
                [
                    series_of(metrics, "embedding_effective_rank", "embedding", 0),
                    series_of(metrics, "representation_effective_rank", "representation", 1),
                ],
                y_label="effective dimensions",
                zero=True,
                log=False,
            )
        )
    if record.snapshot is not None:
        charts += _final_space(record)
    if not charts:
        return None
    lead = (
        "A collapsed encoder maps samples to few directions or to one point. The embedding is the "
        "projector's output, the representation the encoder's, which is what you use."
    )
    return section("collapse", "Collapse", tag("div", charts, class_="charts"), lead=lead)


def _final_space(record: RunRecord) -> list[Markup]:
    assert record.snapshot is not None
    space = record.snapshot["space"]
    spectrum = [value for value in space["spectrum"] if value > 1e-9]
    return [
        line_chart(
            "Covariance spectrum",
            [Series("eigenvalues", list(range(1, len(spectrum) + 1)), spectrum)],
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
