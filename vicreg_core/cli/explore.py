"""``vicreg explore``."""

from __future__ import annotations

from pathlib import Path

import click

from vicreg_core.errors import PluginError, RunError

_HOST = "127.0.0.1"


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--vectors",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Parquet file that vicreg embed wrote; default RUN/embeddings.parquet, written where it is missing.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=5055, show_default=True)
def explore(run: Path, vectors: Path | None, port: int) -> None:
    """Explore the vectors of RUN in a browser with embedding-atlas, on this machine only; Ctrl-C ends it.

    RUN/embeddings.parquet is written first where it is missing, damaged or of another model.
    """
    from importlib.util import find_spec

    if find_spec("embedding_atlas") is None:
        raise PluginError("vicreg explore needs embedding-atlas: pip install 'vicreg-suite[explore]'")
    if vectors is None:
        vectors = run / "embeddings.parquet"
        if _is_due(run, vectors):
            _embed(run, vectors)
    elif not vectors.is_file():
        raise RunError(f"{vectors} is not there; write it first:\n  vicreg embed {run} --out {vectors}")
    _require_free(port)
    _serve(atlas_arguments(vectors, port))


def atlas_arguments(file: Path, port: int) -> list[str]:
    """What embedding-atlas is to be called with: which columns hold what, and the loopback address.

    Raises:
        RunError: the file holds no vectors.
    """
    import pyarrow.parquet

    try:
        columns = pyarrow.parquet.read_schema(file).names
    except (OSError, ValueError) as error:
        raise RunError(f"cannot read {file} as parquet: {error}") from error
    if "vector" not in columns:
        raise RunError(
            f"{file} has no column 'vector', only {', '.join(columns)}; give a file that vicreg embed wrote"
        )
    given = ["--vector", "vector"]
    if {"projection_x", "projection_y"} <= set(columns):
        given += ["--x", "projection_x", "--y", "projection_y"]
    given += ["--text", "text"] if "text" in columns else []
    given += ["--image", "image"] if "image" in columns else []
    return [str(file), *given, "--host", _HOST, "--port", str(port), "--no-auto-port"]


def _is_due(run: Path, file: Path) -> bool:
    """Whether the vectors are missing, damaged, or of another model than the run has now."""
    from vicreg_core.pretrained.files import model_name
    from vicreg_core.vectors.files import model_of

    return not file.is_file() or model_of(file) != model_name(run)


def _embed(run: Path, file: Path) -> None:
    from vicreg_core.vectors.files import write_vectors
    from vicreg_core.vectors.of_run import embed_run

    write_vectors(file, embed_run(run, say=lambda line: click.echo(line, err=True)))
    click.echo(f"{file} is written", err=True)


def _require_free(port: int) -> None:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise RunError(f"port {port} is taken ({error.strerror}); give another --port") from error


def _serve(arguments: list[str]) -> None:
    """Run embedding-atlas until Ctrl-C, which its server takes for the end of its work."""
    from importlib import import_module

    try:
        import_module("embedding_atlas.cli").main(arguments, standalone_mode=False)
    except KeyboardInterrupt:
        click.echo("ended", err=True)
