"""``vicreg explore``."""

from __future__ import annotations

from pathlib import Path

import click

from vicreg_core.errors import PluginError, RunError


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--vectors",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Parquet file that vicreg embed wrote; default RUN/embeddings.parquet.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=5055, show_default=True)
def explore(run: Path, vectors: Path | None, port: int) -> None:
    """Explore the vectors of RUN in a browser with embedding-atlas, on this machine only.

    Needs the vectors first: vicreg embed RUN --out RUN/embeddings.parquet
    """
    from importlib.util import find_spec

    if find_spec("embedding_atlas") is None:
        raise PluginError("vicreg explore needs embedding-atlas: pip install 'vicreg-suite[explore]'")
    file = vectors or run / "embeddings.parquet"
    if not file.is_file():
        raise RunError(f"{file} is not there; write it first:\n  vicreg embed {run} --out {file}")
    _serve(atlas_arguments(file, port))


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
    return [str(file), *given, "--host", "127.0.0.1", "--port", str(port)]


def _serve(arguments: list[str]) -> None:
    import subprocess
    import sys

    ended = subprocess.run([sys.executable, "-m", "embedding_atlas.cli", *arguments], check=False)
    if ended.returncode:
        raise RunError(
            f"embedding-atlas ended with exit code {ended.returncode}; its own message stands above"
        )
