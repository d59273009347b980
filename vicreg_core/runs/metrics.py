"""``metrics.jsonl``: one JSON object a logged step."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from vicreg_core.errors import RunError
from vicreg_core.files import write_text


class MetricsFile:
    """Appends records to a JSON-lines file, each whole and flushed as it is written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def truncate_after(self, step: int) -> None:
        """Drop the records after ``step``, and a last line cut short by a kill: a resume writes them anew."""
        if self.path.exists():
            kept = [record for record in read_metrics(self.path) if record["step"] <= step]
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
            raise RunError(f"could not write {self.path}: {error.strerror or error}") from error


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All whole records of a ``metrics.jsonl``, in order; a last line cut short is left out."""
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return records


def _line(record: dict[str, Any]) -> str:
    finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}
    return json.dumps(finite) + "\n"
