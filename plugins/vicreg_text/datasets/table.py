"""Datasets in CSV, TSV, JSONL and Parquet files."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from vicreg_core.contracts import Split
from vicreg_core.errors import DataError
from vicreg_text.cache import file_digest, key_of
from vicreg_text.datasets.adapter import TextDataset
from vicreg_text.datasets.config import FilesConfig, TableConfig
from vicreg_text.datasets.rows import Row, read_delimited, read_jsonl, read_parquet
from vicreg_text.datasets.source import Columns, Source
from vicreg_text.datasets.splits import open_split

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}


def build(config: TableConfig, split: Split) -> TextDataset | None:
    """The rows of one split.

    Raises:
        DataError: naming the file or row at fault.
    """
    columns = Columns.of(config)
    test = partial(table_source, config, "test", config.test, columns) if config.test else None
    return open_split(config, split, table_source(config, "train", config.train, columns), test)


def table_source(config: FilesConfig, key: str, patterns: tuple[str, ...], columns: Columns) -> Source:
    """The rows of some files as a source of documents.

    Args:
        config: how to read them.
        key: the recipe key that names them, for messages.
        patterns: paths or glob patterns.
        columns: which cells to read, and what they mean.

    Raises:
        DataError: where there is no such file, or its format cannot be told.
    """
    paths = [path for pattern in patterns for path in _matching(key, pattern)]
    files = [[path.name, _format(path, config), file_digest(path)] for path in paths]
    fingerprint = key_of("table", config.delimiter, config.encoding, files)
    name = paths[0].name if len(paths) == 1 else f"{len(paths)} files ({paths[0].name}, ...)"
    return Source(name, fingerprint, lambda: _rows(paths, config, columns), columns)


def _matching(key: str, pattern: str) -> list[Path]:
    path = Path(pattern).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        raise DataError(
            f"data.{key}: {path} is a folder; name files, e.g. {path / '*.parquet'}, or use text/folder"
        )
    found = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
    if not found:
        raise DataError(f"data.{key}: no file matches {pattern!r} (looked from {Path.cwd()})")
    return [match for match in found if match.is_file()]


def _format(path: Path, config: FilesConfig) -> str:
    if config.format != "auto":
        return config.format
    form = _SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise DataError(
            f"{path.name}: the suffix {path.suffix!r} does not say what it is; set data.format to csv, tsv, "
            "jsonl or parquet"
        )
    return form


def _rows(paths: list[Path], config: FilesConfig, columns: Columns) -> Iterator[Row]:
    for path in paths:
        form = _format(path, config)
        if form == "parquet":
            yield from read_parquet(path, columns.read)
        elif form == "jsonl":
            yield from read_jsonl(path, config.encoding)
        else:
            delimiter = config.delimiter or ("\t" if form == "tsv" else ",")
            yield from read_delimited(path, delimiter, config.encoding)
