"""Readers of tables: a stream of rows, each with its place, broken ones included."""

from __future__ import annotations

import codecs
import csv
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from vicreg_core.errors import DataError

_UNDECODED = re.compile("[\udc80-\udcff]")
_BYTE_ORDER_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class Row(NamedTuple):
    """One row of a table.

    Attributes:
        place: where it is, for messages: ``"line 3 of reviews.csv"``.
        values: its cells by column; empty for a broken row.
        problem: why it cannot be used, or ``None``.
    """

    place: str
    values: Mapping[str, Any]
    problem: str | None = None


def text_problem(text: str, encoding: str) -> str | None:
    """Why decoded text is not what its author wrote, or ``None``.

    Text is decoded with ``surrogateescape``, which turns each byte the encoding does not know into a lone
    surrogate: one bad byte then costs one row and keeps its row number.
    """
    found = None if text.isascii() else _UNDECODED.search(text)
    if found:
        byte = ord(found.group()) - 0xDC00
        return f"byte 0x{byte:02x} is not {encoding}; set data.encoding (latin-1, cp1252, utf-16, ...)"
    if "\x00" in text:
        return "it holds NUL bytes: binary data, or text in another encoding (data.encoding: utf-16)"
    return None


def check_text_file(path: Path, encoding: str) -> None:
    """Refuse what no row could come of.

    Raises:
        DataError: for a missing or empty file, an unknown encoding, or UTF-16 read as something else.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file")
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise DataError(f"data.encoding: {encoding!r} is no encoding Python knows") from None
    with path.open("rb") as stream:
        head = stream.read(4)
    if not head:
        raise DataError(f"{path} is empty")
    for mark, actual in _BYTE_ORDER_MARKS.items():
        if head.startswith(mark) and not name.startswith(("utf-16", "utf-32")):
            raise DataError(
                f"{path} begins with the byte order mark of {actual}; set data.encoding: {actual}"
            )


def _utf8_sig(encoding: str) -> str:
    return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding


def read_delimited(path: Path, delimiter: str, encoding: str) -> Iterator[Row]:
    """Rows of a CSV or TSV file with a header line; cells may span lines when quoted.

    Raises:
        DataError: when the file as a whole is no such table.
    """
    check_text_file(path, encoding)
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding=_utf8_sig(encoding), errors="surrogateescape", newline="") as stream:
        reader = csv.reader(stream, delimiter=delimiter)
        header = next(reader, [])
        if not any(header):
            raise DataError(f"{path} has no header line with the names of its columns")
        line = reader.line_num + 1
        for cells in reader:
            if cells:
                yield _delimited_row(
                    cells, header, f"line {line} of {path.name}", reader.line_num - line, encoding
                )
            line = reader.line_num + 1


def _delimited_row(cells: list[str], header: list[str], place: str, further_lines: int, encoding: str) -> Row:
    for cell in cells:
        if problem := text_problem(cell, encoding):
            return Row(place, {}, problem)
    if len(cells) != len(header):
        hint = f" over {further_lines + 1} lines: is a quote left open?" if further_lines else ""
        return Row(place, {}, f"{len(cells)} column(s) where the header has {len(header)}{hint}")
    return Row(place, dict(zip(header, cells, strict=True)))


def read_jsonl(path: Path, encoding: str) -> Iterator[Row]:
    """Rows of a file with one JSON object a line.

    Raises:
        DataError: when the file as a whole is no such table.
    """
    check_text_file(path, encoding)
    with path.open(encoding=_utf8_sig(encoding), errors="surrogateescape", newline="\n") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield _json_row(line, f"line {number} of {path.name}", encoding)


def _json_row(line: str, place: str, encoding: str) -> Row:
    if problem := text_problem(line, encoding):
        return Row(place, {}, problem)
    try:
        values = json.loads(line)
    except json.JSONDecodeError as error:
        return Row(place, {}, f"not JSON at column {error.colno}: {error.msg}")
    if not isinstance(values, dict):
        return Row(place, {}, f"a JSON {type(values).__name__} where an object was expected")
    return Row(place, values)


def read_parquet(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    """Rows of a Parquet file, read a batch at a time; only ``columns`` that exist are read.

    Integers of a Hugging Face ``ClassLabel`` become the names of their classes.

    Raises:
        DataError: when the file is missing or no Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file")
    try:
        file = pq.ParquetFile(path)
        names = class_names(file.schema_arrow.metadata)
        present = [c for c in columns if c in file.schema_arrow.names]
        number = 0
        for batch in file.iter_batches(batch_size=1024, columns=present):
            for values in batch.to_pylist():
                for column, classes in names.items():
                    if isinstance(index := values.get(column), int) and 0 <= index < len(classes):
                        values[column] = classes[index]
                yield Row(f"row {number} of {path.name}", values)
                number += 1
    except pa.ArrowException as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from error


def class_names(schema_metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """Class names by column, from the features Hugging Face writes into an Arrow schema; else empty."""
    raw = (schema_metadata or {}).get(b"huggingface")
    if raw is None:
        return {}
    features = json.loads(raw).get("info", {}).get("features", {})
    return {
        name: feature["names"]
        for name, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
    }
