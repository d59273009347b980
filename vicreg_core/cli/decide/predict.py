"""``vicreg predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write; .csv, .parquet, .npz or .h5ad (AnnData).",
)
@click.option(
    "--split",
    type=click.Choice(["train", "test", "all"]),
    default="all",
    show_default=True,
    help="Samples trained on, those that were not, or both.",
)
@click.option("--vectors", is_flag=True, help="Write the vectors too.")
@click.option("--overwrite", is_flag=True, help="Replace the file.")
def predict(
    run: Path,
    overrides: tuple[str, ...],
    out: Path,
    split: Literal["train", "test", "all"],
    vectors: bool,
    overwrite: bool,
) -> None:
    """Decide every sample of RUN's data by the classifier that vicreg fit made.

    Each row has the class, its probability, the set of classes that cannot be ruled out, the nearest labelled
    sample, and whether the sample is unlike what was trained on. KEY=VALUE changes one key of the run's data,
    so that other data is decided, e.g. data.path=other-photos.
    """
    from vicreg_core.decisions.answers import predict_run
    from vicreg_core.vectors.files import require_writable, write_vectors

    require_writable(out, "--out", overwrite=overwrite)
    table = predict_run(
        run, split, overrides=overrides, vectors=vectors, say=lambda line: click.echo(line, err=True)
    )
    written = write_vectors(out, table)
    answers = table.columns["prediction"]
    unfamiliar = int(table.columns["unfamiliar"].sum())
    click.echo(f"{len(answers):,} decisions in {' and '.join(map(str, written))}")
    if unfamiliar:
        click.echo(f"{unfamiliar:,} are of samples unlike what was trained on (column unfamiliar)")
