"""``metrics.jsonl``: one JSON object a logged step, each with a checksum of its own."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from vicreg_core.errors import RunError
from vicreg_core.files import why, write_text

_CRC = "crc"


class Metrics(NamedTuple):
    """What a ``metrics.jsonl`` holds."""

    records: list[dict[str, Any]]
    """The whole ones, in order, without their checksum."""
    damaged: list[str]
    """A line for each record that is not what was written: ``"line 7: ..."``."""


class MetricsFile:
    """Appends records to a JSON-lines file, each whole and flushed as it is written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def truncate_after(self, step: int, say: Callable[[str], None] = lambda _: None) -> None:
        """Drop the records after ``step``, which a resume writes anew, and those that are damaged.

        Args:
            step: the last to keep.
            say: told of damaged records.
        """
        if self.path.exists():
            found = read_metrics(self.path)
            for line in found.damaged:
                say(f"warning: {self.path}, {line}; this record is lost, the others stay")
            kept = [record for record in found.records if record["step"] <= step]
            write_text(self.path, "".join(_line(record) for record in kept))

    def append(self, record: dict[str, Any]) -> None:
        """Write one record.

        Raises:
            RunError: when the disk refuses.
        """
        try:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(_line(record))
        except OSError as error:
            raise RunError(f"could not write {self.path}: {why(error)}") from error


def read_metrics(path: Path) -> Metrics:
    """The records of a ``metrics.jsonl``; a last line cut short by a kill is left out without a word.

    Raises:
        RunError: it cannot be read at all.
    """
    if not path.is_file():
        raise RunError(f"{path} is not a file; remove it")
    try:
        *lines, rest = path.read_bytes().split(b"\n")
    except OSError as error:
        raise RunError(f"cannot read {path}: {why(error)}") from error
    found = Metrics([], [])
    for number, line in enumerate(lines, start=1):
        record = _record(line)
        if record is None:
            found.damaged.append(f"line {number}: it is not what was written")
        else:
            found.records.append(record)
    if record := _record(rest):
        found.records.append(record)
    return found


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.pop(_CRC, None) != _crc(record):
        return None
    return record


def _line(record: dict[str, Any]) -> str:
    finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}
    return json.dumps({**finite, _CRC: _crc(finite)}) + "\n"


def _crc(record: dict[str, Any]) -> str:
    return f"{zlib.crc32(json.dumps(record).encode()):08x}"
