"""CSV and its kind: which delimiter, and the rows."""

from __future__ import annotations

import csv
import itertools
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from vicreg_core.data.tables.rows import LONGEST_LINE, Row, lines_of, require_unique, text_problem
from vicreg_core.errors import DataError

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_LOOKED_AT = 20


def find_delimiter(lines: Sequence[str], usual: str = ",") -> str:
    """The delimiter of a table, told from its header and first rows.

    It is the one by which most of the rows have as many cells as the header, and more than one; of equals,
    the usual one, then the one that gives more columns.

    >>> find_delimiter(["text;label", "Yes, it is;good", "No;bad"]), find_delimiter(["text", "a; b"])
    (';', ',')

    Args:
        lines: the header and some rows, with their line ends; the last may be in the middle of a cell.
        usual: what it is where nothing speaks for another.
    """

    def fit(delimiter: str) -> tuple[float, bool, int]:
        try:
            rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            return 0.0, False, 0
        width = len(rows[0]) if rows else 0
        if width < 2:
            return 0.0, delimiter == usual, 0
        # A quote that is open at the end of what was looked at makes the last row short.
        rows = rows[1:-1] if len(rows) > 2 else rows[1:]
        alike = sum(len(row) == width for row in rows) / len(rows) if rows else 1.0
        return alike, delimiter == usual, width

    candidates = [usual, *(known for known in DELIMITERS if known != usual)]
    best = max(candidates, key=fit)
    return best if fit(best)[2] else usual


def read_delimited(
    stream: TextIO,
    name: str,
    encoding: str,
    delimiter: str | None,
    usual: str,
    columns: Sequence[str] | None = None,
) -> Iterator[Row]:
    """Rows of a CSV or TSV file with a header line; cells may span lines when quoted.

    A delimiter that is told from the rows and not the usual one is said by a warning.

    Args:
        stream: opened with ``newline=""`` and ``errors="surrogateescape"``.
        name: of the file, for messages.
        encoding: of the file, for messages.
        delimiter: ``None``: told from the first rows.
        usual: the delimiter of this kind of file.
        columns: those that are needed.

    Raises:
        DataError: when the file as a whole is no such table.
    """
    csv.field_size_limit(LONGEST_LINE)
    lines = lines_of(stream, name)
    head = list(itertools.islice(lines, _LOOKED_AT))
    if delimiter is None:
        delimiter = find_delimiter(head, usual)
        if delimiter != usual:
            warnings.warn(
                f"{name} is read as separated by {DELIMITERS[delimiter]}; set data.delimiter where it is not",
                stacklevel=2,
            )
    reader = csv.reader(itertools.chain(head, lines), delimiter=delimiter)
    try:
        yield from _rows(reader, name, encoding, columns)
    except csv.Error as error:
        raise DataError(
            f"line {reader.line_num} of {name} cannot be read as a table separated by {delimiter!r}: "
            f"{error}; is a quote left open?"
        ) from error


def _rows(reader: Any, name: str, encoding: str, columns: Sequence[str] | None) -> Iterator[Row]:
    header: list[str] = next(reader, [])
    if not any(header):
        raise DataError(f"{name} has no header line with the names of its columns")
    if problem := next(filter(None, (text_problem(cell, encoding) for cell in header)), None):
        raise DataError(f"the header line of {name}: {problem}")
    require_unique(header, columns, name)
    line = reader.line_num + 1
    for cells in reader:
        if cells:
            yield _row(cells, header, f"line {line} of {name}", reader.line_num - line, encoding)
        line = reader.line_num + 1


def _row(cells: list[str], header: list[str], place: str, further_lines: int, encoding: str) -> Row:
    for cell in cells:
        if problem := text_problem(cell, encoding):
            return Row(place, {}, problem)
    if len(cells) != len(header):
        hint = f" over {further_lines + 1} lines: is a quote left open?" if further_lines else ""
        return Row(place, {}, f"{len(cells)} column(s) where the header has {len(header)}{hint}")
    return Row(place, dict(zip(header, cells, strict=True)))
