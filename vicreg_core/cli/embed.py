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
    type=click.Path(path_type=Path),
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
@click.option(
    "--parts",
    type=click.IntRange(min=1),
    metavar="ROWS",
    help="For data of any size: write Parquet files of so many vectors into the folder --out; what was "
    "interrupted goes on.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Who makes the parts: this process, or a Ray cluster.",
)
@click.option("--address", help="Of the Ray cluster; default: one on this machine.")
@click.option("--overwrite", is_flag=True, help="Replace the file.")
def embed(
    run: Path,
    overrides: tuple[str, ...],
    out: Path,
    split: Literal["train", "test", "all"],
    no_samples: bool,
    parts: int | None,
    engine: Literal["local", "ray"],
    address: str | None,
    overwrite: bool,
) -> None:
    """Write the vector of every sample of RUN's data, with its id, label, group, metadata and place on a map.

    Beside each vector stands its sample, a text or (in .parquet only) a small picture, so that
    embedding-atlas, Renumics Spotlight and datasets show it.

    KEY=VALUE changes one key of the run's data, so that other data is embedded, e.g. data.path=other-photos.
    """
    if engine == "ray" and parts is None:
        raise click.UsageError("--engine ray makes parts: say of how many vectors, e.g. --parts 65536")
    if parts is not None:
        from vicreg_core.vectors.parts import embed_parts

        if overwrite:
            raise click.UsageError("--parts goes on with the folder --out; remove it to begin anew")
        made = embed_parts(
            run,
            out,
            split,
            overrides=overrides,
            rows=parts,
            engine=engine,
            address=address,
            say=lambda line: click.echo(line, err=True),
        )
        click.echo(
            f"{sum(each.rows for each in made.shards):,} vectors in {len(made.shards):,} parts in {out}"
        )
        return
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
