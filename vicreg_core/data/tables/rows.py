"""One row of a table, and what all readers of text ask."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from vicreg_core.errors import DataError

LONGEST_LINE = 1 << 28
"""Most characters of a line, or of a cell in quotes: more is no table, and would fill the memory."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_MAGIC = {
    b"\x1f\x8b": "packed by gzip: give it the suffix .gz after its own",
    b"BZh": "packed by bzip2: give it the suffix .bz2 after its own",
    b"\x28\xb5\x2f\xfd": "packed by Zstandard: give it the suffix .zst after its own",
    b"PK\x03\x04": "a zip archive: unpack it, or set data.format=xlsx where it is a spreadsheet",
    b"PAR1": "Parquet: set data.format=parquet",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Office document: save it as CSV or .xlsx",
}
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
    found = None if text.isascii() else _SURROGATE.search(text)
    if found:
        byte = ord(found.group()) - 0xDC00
        if not 0x80 <= byte <= 0xFF:
            return f"{found.group()!a} is half of a character (a lone surrogate), and no text"
        return f"byte 0x{byte:02x} is not {encoding}; set data.encoding (latin-1, cp1252, utf-16, ...)"
    if "\x00" in text:
        return "it holds NUL bytes: binary data, or text in another encoding (data.encoding: utf-16)"
    return None


def check_text_file(path: Path, head: bytes, encoding: str) -> None:
    """Refuse what no text could come of.

    Args:
        path: of the file, for messages.
        head: its first four bytes.
        encoding: that it shall be read in.

    Raises:
        DataError: for an empty file, an unknown encoding, UTF-16 read as something else, or what is no text.
    """
    try:
        name = codecs.lookup(encoding).name
        "".encode(encoding)
    except (LookupError, ValueError):
        raise DataError(f"data.encoding: {encoding!r} is no encoding Python knows for text") from None
    if not head:
        raise DataError(f"{path} is empty")
    if kind := next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None):
        raise DataError(f"{path} is no text but {kind}")
    for mark, actual in _BYTE_ORDER_MARKS.items():
        if head.startswith(mark) and not name.startswith(("utf-16", "utf-32")):
            raise DataError(
                f"{path} begins with the byte order mark of {actual}; set data.encoding: {actual}"
            )


def lenient_encoding(encoding: str) -> str:
    """The encoding, for UTF-8 the one that passes over a byte order mark."""
    return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding


def lines_of(stream: TextIO, name: str) -> Iterator[str]:
    """The lines of a text with their ends.

    Raises:
        DataError: for one of more than :data:`LONGEST_LINE` characters, or bytes that end within a character.
    """
    number = 1
    try:
        while line := stream.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                raise DataError(f"line {number} of {name} is longer than {LONGEST_LINE:,} characters")
            yield line
            number += 1
    except UnicodeError as error:
        raise DataError(f"line {number} of {name} cannot be decoded: {error}; set data.encoding") from error


def require_unique(header: Sequence[str], columns: Sequence[str] | None, name: str) -> None:
    """Refuse a header that names one of ``columns`` more than once: nobody could tell which is meant.

    Raises:
        DataError: naming the column.
    """
    for column in columns or ():
        if (count := header.count(column)) > 1:
            raise DataError(f"the header of {name} names {count} columns {column!r}; rename all but one")


def class_names(schema_metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """Class names by column, from the features Hugging Face writes into an Arrow schema; else empty."""
    raw = (schema_metadata or {}).get(b"huggingface")
    try:
        features = json.loads(raw or b"{}").get("info", {}).get("features", {})
        return {
            name: feature["names"]
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
        }
    except (ValueError, AttributeError):
        return {}
