"""``vicreg label``."""

from __future__ import annotations

from pathlib import Path

import click

from vicreg_core.errors import PluginError, RunError


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--labels",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("labels.csv"),
    show_default=True,
    help="CSV that every answer is kept in at once, columns id and label; it may be there already.",
)
@click.option("--class", "classes", multiple=True, metavar="NAME", help="A class to offer; may be repeated.")
@click.option("--n", type=click.IntRange(min=1), default=100, show_default=True, help="Suggested at a time.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any free one.")
def label(
    run: Path, overrides: tuple[str, ...], labels: Path, classes: tuple[str, ...], n: int, port: int
) -> None:
    """Label samples of RUN on a page in the browser, on this machine only; Ctrl-C ends it.

    The most telling samples come first. A class is given by a key or a click, and kept at once; the page
    shows what a classifier of the labels so far is expected to reach.
    """
    from importlib.util import find_spec

    if find_spec("starlette") is None or find_spec("uvicorn") is None:
        raise PluginError("vicreg label needs starlette and uvicorn: pip install 'vicreg-suite[label]'")
    from vicreg_core.decisions.labelling.server import HOST, serve
    from vicreg_core.decisions.labelling.session import open_session

    session = open_session(run, labels, classes, n, overrides, lambda line: click.echo(line, err=True))

    def ready(address: str) -> None:
        click.echo(f"open {address}\nevery answer is kept in {labels}; Ctrl-C ends it")

    try:
        serve(session, port, ready)
    except KeyboardInterrupt:
        pass
    except OSError as error:
        raise RunError(f"port {port} of {HOST} is taken ({error.strerror}); give another --port") from error
    click.echo(f"next: vicreg fit {run} --labels {labels}")
