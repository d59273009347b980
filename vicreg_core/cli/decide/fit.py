"""``vicreg fit``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from vicreg_core.decisions.fit import FitResult


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--labels",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Table with columns id (or path) and label; default: the labels of the data.",
)
@click.option(
    "--method",
    type=click.Choice(["auto", "linear", "propagation", "prototype", "self-training", "finetune"]),
    default="auto",
    show_default=True,
    help="auto: by cross-validation among the labelled samples; finetune: train the encoder on (slow).",
)
@click.option("--balanced", is_flag=True, help="Decide as if all classes were as common.")
@click.option(
    "--coverage",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.9,
    show_default=True,
    help="Share of samples whose class is to be in their set.",
)
@click.option("--no-floors", is_flag=True, help="Do not estimate the same on other features.")
def fit(
    run: Path,
    overrides: tuple[str, ...],
    labels: Path | None,
    method: str,
    balanced: bool,
    coverage: float,
    no_floors: bool,
) -> None:
    """Make a classifier from the labelled samples of RUN, and say what accuracy to expect of it.

    Unlabelled samples help: what few labels say is spread to their neighbours. The classifier lies in
    RUN/classifier, for vicreg predict and vicreg_core.load(RUN).predict(items).
    """
    from vicreg_core.decisions.fit import fit_run

    result = fit_run(
        run,
        labels,
        method=method,
        balanced=balanced,
        coverage=coverage,
        floors=not no_floors,
        overrides=overrides,
        say=lambda line: click.echo(line, err=True),
    )
    for line in _told(result):
        click.echo(line)
    click.echo(f"kept in {result.folder}; next: vicreg predict {run} --out predictions.csv")


def _told(result: FitResult) -> Iterator[str]:
    about = result.classifier.about
    yield f"{result.choice.method} from {about['labels']:,} labels of {about['samples']:,} samples"
    if len(result.choice.tried) > 1:
        tried = ", ".join(f"{name} {score:.3f}" for name, score in result.choice.tried.items())
        yield f"tried, cross-validated: {tried}; {result.choice.why}"
    estimate = result.choice.estimate
    if estimate is None:
        yield f"no estimate: {result.choice.why}"
    else:
        yield f"estimated {estimate.metric.replace('_', ' ')} {_scored(estimate.value, estimate.interval)}"
    for name, of in result.floors.items():
        if of.estimate is not None:
            score = _scored(of.estimate.value, of.estimate.interval)
            yield f"  the same on {name.replace('_', ' ')}: {score}"
    if result.test:
        yield from _tested(result.test)
    yield from (f"note: {remark}" for remark in result.remarks)


def _tested(test: Mapping[str, Any]) -> Iterator[str]:
    metric = test["metric"].replace("_", " ")
    yield f"on {test['n']:,} held-out samples: {metric} {_scored(test['value'], test['interval'])}"
    yield (
        f"  calibration error {test['calibration_error']:.3f}; "
        f"sets of {test['classes_in_a_set']:.2f} classes hold the right one for {test['coverage']:.1%}"
    )


def _scored(value: float, interval: Sequence[float] | None) -> str:
    return f"{value:.3f}" + (f" (95 %: {interval[0]:.3f} to {interval[1]:.3f})" if interval else "")
