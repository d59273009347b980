"""The file of labels while it is written: every answer at once, whole, and beside what else is in it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

from vicreg_core.errors import DataError
from vicreg_core.files import why, write_text


@dataclass
class AnswerFile:
    """A CSV with the columns ``id`` and ``label``, and whatever other columns it has.

    It is read anew before each answer is written, so that what another program wrote into it stays.

    Attributes:
        path: of the file; it need not be there yet.
        given: ids in the order in which they were answered here, for undoing.
    """

    path: Path
    given: list[tuple[str, str]] = field(default_factory=list)

    def labels(self) -> dict[str, str]:
        """The class of each id that has one.

        Raises:
            DataError: the file cannot be read as such a table.
        """
        _, rows = self._read()
        return {row["id"]: row["label"].strip() for row in rows if row["label"].strip()}

    def answer(self, sample: str, label: str) -> None:
        """Keep the class of a sample, in place of an earlier one.

        Raises:
            DataError: the class is blank, or the file cannot be read.
            RunError: the disk refuses; the file is then as it was.
        """
        if not label.strip():
            raise DataError("a class has a name of more than blanks")
        before = self.labels().get(sample, "")
        self._write(sample, label.strip())
        self.given.append((sample, before))

    def undo(self) -> str | None:
        """Take the last answer back; returns the sample, ``None`` where nothing was answered here."""
        if not self.given:
            return None
        sample, before = self.given[-1]
        self._write(sample, before)
        self.given.pop()
        return sample

    def _write(self, sample: str, label: str) -> None:
        columns, rows = self._read()
        for row in rows:
            if row["id"] == sample:
                row["label"] = label
                break
        else:
            rows.append({"id": sample, "label": label})
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.path, text.getvalue())

    def _read(self) -> tuple[list[str], list[dict[str, str]]]:
        """The columns and the rows as they are on the disk now."""
        if not self.path.exists():
            return ["id", "label"], []
        try:
            with self.path.open(newline="", encoding="utf-8-sig") as stream:
                reader = csv.DictReader(stream, restval="")
                rows = [{str(name): value for name, value in row.items()} for row in reader]
                columns = list(reader.fieldnames or [])
        except (OSError, ValueError, csv.Error) as error:
            raise DataError(f"--labels: cannot read {self.path} ({why(error)}); expected a CSV") from error
        if not {"id", "label"} <= set(columns):
            raise DataError(
                f"--labels: {self.path} has the columns {', '.join(columns) or 'none'}; expected id and label"
            )
        if any(len(row) != len(columns) or not isinstance(row["label"], str) for row in rows):
            raise DataError(f"--labels: a row of {self.path} has more cells than its header")
        return columns, rows
