"""Datasets in CSV, TSV, JSONL, JSON, Parquet and XLSX files."""

from __future__ import annotations

from functools import partial

from vicreg_core.contracts import Split
from vicreg_core.data.tables import find_files, read_table, table_format
from vicreg_text.cache import file_digest, key_of
from vicreg_text.datasets.adapter import TextDataset
from vicreg_text.datasets.config import FilesConfig, TableConfig
from vicreg_text.datasets.source import Columns, Source
from vicreg_text.datasets.splits import open_split


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
    paths = find_files(f"data.{key}", patterns, "use text/folder")
    files = [[path.name, table_format(path, config), file_digest(path)] for path in paths]
    how = (config.delimiter, config.encoding, config.sheet, config.max_unpacked_mib)
    name = paths[0].name if len(paths) == 1 else f"{len(paths)} files ({paths[0].name}, ...)"
    return Source(
        name,
        key_of("table", *how, files),
        lambda: (row for path in paths for row in read_table(path, config, columns.read)),
        columns,
    )
