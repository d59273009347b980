"""``vicreg suggest``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--n", "n", type=click.IntRange(min=1), default=40, show_default=True, help="How many.")
@click.option(
    "--labels",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Table of the labels so far, columns id (or path) and label; default: the data's own.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV to fill in: id, an empty label, rank, why, and the text where samples are texts.",
)
@click.option(
    "--unsure",
    type=click.FloatRange(0, 1),
    help="Share of those a classifier is unsure of; default: half from ten labels of each class on, else 0.",
)
@click.option("--per-group", is_flag=True, help="At most one sample of each group.")
@click.option("--seed", type=int, help="Of the choice; default: the recipe's.")
@click.option("--overwrite", is_flag=True, help="Replace the file.")
def suggest(
    run: Path,
    overrides: tuple[str, ...],
    n: int,
    labels: Path | None,
    out: Path | None,
    unsure: float | None,
    per_group: bool,
    seed: int | None,
    overwrite: bool,
) -> None:
    """Say which samples of RUN's training data to label next, the most telling first.

    Without labels each is typical of another part of the data; with labels, some are those that a classifier
    of them is least sure of. Fill in the column label of the file, and give it to vicreg fit.
    """
    from vicreg_core.cli.output import print_table
    from vicreg_core.decisions.suggest import suggest_run, write_suggestions
    from vicreg_core.vectors.files import require_writable

    if out is not None:
        require_writable(out, "--out", overwrite=overwrite)
    found = suggest_run(
        run,
        n,
        labels,
        unsure_share=unsure,
        per_group=per_group,
        overrides=overrides,
        seed=seed,
        say=lambda line: click.echo(line, err=True),
    )
    if len(found) < n:
        click.echo(f"only {len(found)} samples can be suggested", err=True)
    if out is None:
        rows = [
            (str(place), each.why, each.id, each.text or each.guess) for place, each in enumerate(found, 1)
        ]
        last = "text" if any(each.text for each in found) else "guess"
        print_table(["rank", "why", "id", last], rows)
        return
    write_suggestions(out, found)
    click.echo(
        f"{len(found)} samples to label in {out}; fill in the column label, then: "
        f"vicreg fit {run} --labels {out}"
    )
