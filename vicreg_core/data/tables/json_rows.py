"""JSON objects as rows: one a line, or an array of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TextIO

from vicreg_core.data.tables.rows import Row, lines_of, text_problem
from vicreg_core.errors import DataError


def read_jsonl(stream: TextIO, name: str, encoding: str) -> Iterator[Row]:
    """Rows of a file with one JSON object a line.

    Raises:
        DataError: for a line that is too long to be one.
    """
    for number, line in enumerate(lines_of(stream, name), start=1):
        if line.strip():
            yield _row_of_line(line, f"line {number} of {name}", encoding)


def read_json(stream: TextIO, name: str, encoding: str) -> Iterator[Row]:
    """Rows of a file that is one JSON array of objects; it is read whole.

    Raises:
        DataError: where it is no such array.
    """
    try:
        values, problem = _parsed(stream.read(), encoding)
    except UnicodeError as error:
        values, problem = None, f"it cannot be decoded: {error}; set data.encoding"
    if problem is None and not isinstance(values, list):
        problem = f"it holds a JSON {_kind(values)} where an array of objects was expected"
    if problem is not None:
        raise DataError(f"{name}: {problem}; one object a line is the format jsonl (data.format)")
    for number, value in enumerate(values or ()):
        yield _row(value, f"row {number} (counted from 0) of {name}")


def _row_of_line(line: str, place: str, encoding: str) -> Row:
    value, problem = _parsed(line.strip(), encoding)
    return Row(place, {}, problem) if problem else _row(value, place)


def _row(value: Any, place: str) -> Row:
    if not isinstance(value, dict):
        return Row(place, {}, f"a JSON {_kind(value)} where an object was expected")
    if problem := _no_text(value):
        return Row(place, {}, problem)
    return Row(place, value)


def _parsed(text: str, encoding: str) -> tuple[Any, str | None]:
    """The value of a JSON text, or why it has none."""
    if problem := text_problem(text, encoding):
        return None, problem
    try:
        return json.loads(text), None
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        return None, f"not JSON at {line}column {error.colno}: {error.msg}"
    except RecursionError:
        return None, "arrays or objects nested too deeply to be read"
    except ValueError:
        # Python reads no integer of more than 4,300 digits.
        return None, "a number of too many digits to be read; write it as text, in quotes"


def _no_text(value: dict[str, Any]) -> str | None:
    """What ``\\ud800`` alone in a JSON text leaves behind: half of a character, which no file can hold."""
    for name, cell in value.items():
        for part in (name, cell):
            if isinstance(part, str) and not part.isascii():
                try:
                    part.encode("utf-8")
                except UnicodeEncodeError as error:
                    half = f"\\u{ord(part[error.start]):04x}"
                    return f"{half} in {name!a} is half of a character (a lone surrogate), and no text"
    return None


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
