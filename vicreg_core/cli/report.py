"""``vicreg report``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--refresh", is_flag=True, help="Read the samples again; one run only.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default="comparison.html",
    show_default=True,
    help="Page of several runs; one run's is its report.html.",
)
def report(runs: tuple[Path, ...], refresh: bool, out: Path) -> None:
    """Write the page of RUN into RUN/report.html, or one page with several RUNS side by side.

    The page is one file that needs no network. It is rebuilt from what the run left; the data is read only
    where the run has no map of its samples yet, or with --refresh.
    """
    from vicreg_core.report.write import write_comparison, write_report

    if len(runs) > 1:
        if refresh:
            raise click.UsageError("--refresh applies to one run; refresh each by itself first")
        page = write_comparison(runs, out)
    else:
        page = write_report(runs[0], refresh=refresh, say=lambda line: click.echo(line, err=True))
    click.echo(f"{page} ({page.stat().st_size / 2**20:.1f} MiB)")
