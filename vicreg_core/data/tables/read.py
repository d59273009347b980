"""One door to tables of every format."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from vicreg_core.data.paths import regular_file
from vicreg_core.data.tables.config import TableFileConfig
from vicreg_core.data.tables.delimited import read_delimited
from vicreg_core.data.tables.formats import open_unpacked, table_format
from vicreg_core.data.tables.json_rows import read_json, read_jsonl
from vicreg_core.data.tables.parquet import read_parquet
from vicreg_core.data.tables.rows import Row, check_text_file, lenient_encoding
from vicreg_core.data.tables.xlsx import read_xlsx
from vicreg_core.errors import DataError


def read_table(path: Path, config: TableFileConfig, columns: Sequence[str] | None = None) -> Iterator[Row]:
    """The rows of a table, broken ones included, read as they are asked for.

    Args:
        path: of the file; its suffix, or ``data.format``, says what it is.
        config: the recipe keys of tables.
        columns: those that are needed, where the format can leave out others; ``None``: all.

    Raises:
        DataError: when the file as a whole is no such table.
    """
    form = table_format(path, config)
    if form == "parquet":
        yield from read_parquet(regular_file(path), columns)
    elif form == "xlsx":
        yield from read_xlsx(regular_file(path), config, columns)
    else:
        with _open_text(path, config, "\n" if form == "jsonl" else "") as stream:
            if form == "jsonl":
                yield from read_jsonl(stream, path.name, config.encoding)
            elif form == "json":
                yield from read_json(stream, path.name, config.encoding)
            else:
                usual = "\t" if form == "tsv" else ","
                how = (config.encoding, config.delimiter, usual)
                yield from read_delimited(stream, path.name, *how, columns)


def _open_text(path: Path, config: TableFileConfig, newline: str) -> TextIO:
    binary = open_unpacked(path, config)
    try:
        check_text_file(path, binary.peek(4)[:4], config.encoding)
    except DataError:
        binary.close()
        raise
    encoding = lenient_encoding(config.encoding)
    return io.TextIOWrapper(binary, encoding=encoding, errors="surrogateescape", newline=newline)
