"""``vicreg search``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("query")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--k", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def search(run: Path, query: str, overrides: tuple[str, ...], k: int, as_json: bool) -> None:
    """Find the samples of RUN that are nearest to QUERY: a sample's id, the path of a file, or a text."""
    from dataclasses import asdict

    from vicreg_core.cli.output import print_json, print_table
    from vicreg_core.decisions.search import search_run

    hits = search_run(run, query, k, overrides=overrides, say=lambda line: click.echo(line, err=True))
    if as_json:
        print_json([asdict(hit) for hit in hits])
        return
    texts = any(hit.text for hit in hits)
    columns = ["similarity", "label", "split", "id", *(["text"] if texts else [])]
    print_table(
        columns,
        [
            (f"{hit.similarity:.3f}", hit.label, hit.split, hit.id, *([hit.text] if texts else []))
            for hit in hits
        ],
    )
