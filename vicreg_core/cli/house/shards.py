"""``vicreg shards``."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def shards() -> None:
    """Make shards that data/shards datasets stream, or a manifest of those there are."""


@shards.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--rows", type=click.IntRange(min=1), default=4096, show_default=True, help="Of a shard.")
@click.option(
    "--embed",
    metavar="COLUMN",
    help="Of a table: put the files that this column names in place of their paths.",
)
def pack(source: Path, target: Path, rows: int, embed: str | None) -> None:
    """Write the files below the folder SOURCE, or the rows of the table SOURCE, as Parquet shards in TARGET.

    TARGET/manifest.json lists the shards with their checksums. What was interrupted goes on with the same
    command; shards that are whole are not written again.
    """
    from vicreg_core.data.streams.pack import pack as carry_out

    made = carry_out(source, target, rows=rows, embed=embed, say=lambda line: click.echo(line, err=True))
    total = sum(each.rows for each in made.shards)
    click.echo(f"{total:,} rows in {len(made.shards):,} shards: {target / 'manifest.json'}")


@shards.command()
@click.argument("patterns", nargs=-1, required=True, metavar="SHARDS...")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The manifest.json to write.",
)
def index(patterns: tuple[str, ...], out: Path) -> None:
    """Count the rows of SHARDS once and keep them in a manifest, so that a run need not."""
    from vicreg_core.data.streams.pack import index as carry_out

    made = carry_out(patterns, out, say=lambda line: click.echo(line, err=True))
    click.echo(f"{sum(each.rows for each in made.shards):,} rows in {len(made.shards):,} shards: {out}")
