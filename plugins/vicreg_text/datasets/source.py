"""A source of documents: rows to read, a fingerprint of their content, and which columns mean what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

from vicreg_core.data.tables import Row
from vicreg_core.errors import DataError
from vicreg_core.plugins.suggest import did_you_mean
from vicreg_text.datasets.config import ColumnsConfig


@dataclass(frozen=True, slots=True)
class Columns:
    """Which cells of a row mean what; as :class:`~vicreg_text.datasets.config.ColumnsConfig`."""

    text: tuple[str, ...] = ("text",)
    label: str | None = None
    group: str | None = None
    id: str | None = None
    positives: str | None = None
    metadata: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: ColumnsConfig) -> Columns:
        """The columns a recipe names."""
        return cls(config.text, config.label, config.group, config.id, config.positives, config.metadata)

    @property
    def read(self) -> tuple[str, ...]:
        """All columns that must be there, once each."""
        optional = (c for c in (self.label, self.group, self.id, self.positives) if c is not None)
        return tuple(dict.fromkeys((*self.text, *optional, *self.metadata)))

    def require(self, row: Row) -> None:
        """Refuse a row without one of the columns.

        Raises:
            DataError: naming it, and those that are there.
        """
        for column in self.read:
            if column not in row.values:
                present = ", ".join(map(repr, row.values))
                hint = did_you_mean(column, [str(name) for name in row.values])
                raise DataError(
                    f"{row.place} has no column {column!r} ({self._key(column)}); its columns are "
                    f"{present}{hint}"
                )

    def _key(self, column: str) -> str:
        """The recipe key that names a column."""
        keys = (field.name for field in fields(self) if column in _names(getattr(self, field.name)))
        return f"data.{next(keys, 'text')}"


def _names(value: str | tuple[str, ...] | None) -> tuple[str | None, ...]:
    return value if isinstance(value, tuple) else (value,)


@dataclass(frozen=True, slots=True)
class Source:
    """Documents before they are derived from.

    Attributes:
        name: what messages call it.
        fingerprint: changes whenever the content does.
        rows: starts reading.
        columns: which cells mean what.
        left_out: files that are not read for what they are, one "name: reason" each.
    """

    name: str
    fingerprint: str
    rows: Callable[[], Iterator[Row]]
    columns: Columns
    left_out: tuple[str, ...] = ()
