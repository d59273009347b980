"""``vicreg embed``."""

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
    help="File to write; .parquet, .csv, .npz, .h5ad (AnnData), or .npy with the ids beside it in .ids.csv.",
)
@click.option(
    "--split",
    type=click.Choice(["train", "test", "all"]),
    default="all",
    show_default=True,
    help="Samples trained on, those that were not, or both.",
)
@click.option("--no-samples", is_flag=True, help="Leave pictures and texts out of the file.")
@click.option("--overwrite", is_flag=True, help="Replace the file.")
def embed(
    run: Path,
    overrides: tuple[str, ...],
    out: Path,
    split: Literal["train", "test", "all"],
    no_samples: bool,
    overwrite: bool,
) -> None:
    """Write the vector of every sample of RUN's data, with its id, label, group, metadata and place on a map.

    Beside each vector stands its sample, a text or (in .parquet only) a small picture, so that
    embedding-atlas, Renumics Spotlight and datasets show it.

    KEY=VALUE changes one key of the run's data, so that other data is embedded, e.g. data.path=other-photos.
    """
    from vicreg_core.vectors.files import require_writable, write_vectors
    from vicreg_core.vectors.of_run import embed_run

    require_writable(out, "--out", overwrite=overwrite)
    table = embed_run(
        run,
        split,
        overrides=overrides,
        samples=not no_samples,
        say=lambda line: click.echo(line, err=True),
    )
    written = write_vectors(out, table)
    rows, width = table.vectors.shape
    click.echo(f"{rows:,} vectors of {width} numbers in {' and '.join(map(str, written))}")
