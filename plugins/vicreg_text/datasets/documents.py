"""Documents in an Arrow file: written once from a source, then memory-mapped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.errors import DataError
from vicreg_text.cache import cached_folder, key_of
from vicreg_text.datasets.source import Columns, Source

_FORMAT = 3
_BATCH = 1024
_ROLES = ("label", "group", "id", "positives")


class Documents:
    """The documents of one split; nothing is in memory until asked for.

    Args:
        folder: what :func:`open_documents` derived.
        key: identifies the content.
        name: what messages call it.
        left_out: what the source did not read, one "name: reason" a file.
    """

    def __init__(self, folder: Path, key: str, name: str, left_out: Sequence[str] = ()) -> None:
        import pyarrow as pa

        self.key, self.name = key, name
        self._table = pa.ipc.open_file(pa.memory_map(str(folder / "documents.arrow"))).read_all()
        broken: list[str] = json.loads((folder / "skipped.json").read_text(encoding="utf-8"))
        self.skipped = [*left_out, *broken]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Documents) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def texts(self, indices: NDArray[np.int64] | None = None) -> Iterator[str]:
        """The texts, of all documents in order or of ``indices``, a block in memory at a time."""
        column = self._table["text"]
        if indices is None:
            for chunk in column.chunks:
                yield from chunk.to_pylist()
            return
        for start in range(0, len(indices), _BATCH):
            yield from column.take(indices[start : start + _BATCH]).to_pylist()

    def column(self, name: str) -> list[str | None] | None:
        """The values of ``label``, ``group``, ``id`` or ``positives``; ``None``: the recipe names none."""
        if name not in self._table.column_names:
            return None
        values: list[str | None] = self._table[name].to_pylist()
        return values

    def metadata(self) -> dict[str, list[str | None]]:
        """The metadata columns by name."""
        prefix = "metadata:"
        found = (name for name in self._table.column_names if name.startswith(prefix))
        return {name.removeprefix(prefix): self._table[name].to_pylist() for name in found}

    def numbers(self) -> NDArray[np.int64]:
        """``(n,) int64``: the place of each document among all rows of its source, skipped ones too."""
        values: NDArray[np.int64] = self._table["number"].to_numpy()
        return values


def open_documents(source: Source, on_error: str) -> Documents:
    """The documents of a source, read now or found in the cache.

    Args:
        source: where they are.
        on_error: ``"raise"`` at the first row that cannot be used, or ``"skip"`` such rows and list them.

    Raises:
        DataError: naming the row and what to do; or for a source without any usable document.
    """
    key = key_of(_FORMAT, source.fingerprint, asdict(source.columns), on_error)
    folder = cached_folder("documents", key, lambda target: _write(source, on_error, target))
    return Documents(folder, key, source.name, source.left_out)


def _write(source: Source, on_error: str, folder: Path) -> None:
    import pyarrow as pa

    columns = source.columns
    present = [role for role in _ROLES if getattr(columns, role)]
    names = ["number", "text", *present, *(f"metadata:{c}" for c in columns.metadata)]
    types = [pa.int64(), pa.large_string(), *[pa.string()] * (len(names) - 2)]
    schema = pa.schema(list(zip(names, types, strict=True)))
    skipped: list[str] = []
    usable = _usable(source, on_error, skipped)
    total = 0
    with pa.OSFile(str(folder / "documents.arrow"), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        while block := list(islice(usable, _BATCH)):
            writer.write_batch(pa.record_batch([list(c) for c in zip(*block, strict=True)], schema=schema))
            total += len(block)
    if total == 0:
        raise DataError(f"{source.name} holds no document" + (f"; skipped: {skipped[0]}" if skipped else ""))
    (folder / "skipped.json").write_text(json.dumps(skipped), encoding="utf-8")


def _usable(source: Source, on_error: str, skipped: list[str]) -> Iterator[tuple[Any, ...]]:
    """The cells to store of each row that can be used; the others raise, or land in ``skipped``."""
    columns = source.columns
    for number, row in enumerate(source.rows()):
        problem = row.problem
        cells: tuple[Any, ...] = ()
        if problem is None:
            columns.require(row)
            cells, problem = _cells(row.values, columns)
        if problem is None:
            yield (number, *cells)
        elif on_error == "skip":
            skipped.append(f"{row.place}: {problem}")
        else:
            raise DataError(
                f"{row.place}: {problem}. Mend it, or leave such rows out with data.on_error=skip"
            )


def _cells(values: Mapping[str, Any], columns: Columns) -> tuple[tuple[Any, ...], str | None]:
    parts = [values[c] for c in columns.text]
    for column, part in zip(columns.text, parts, strict=True):
        if part is not None and not isinstance(part, str):
            return (), f"column {column!r} holds {type(part).__name__} {part!r:.40} where text was expected"
    text = "\n".join(part for part in parts if part)
    if not text.strip():
        return (), f"no text in {_listed(columns.text)}"
    roles = [values[name] for role in _ROLES if (name := getattr(columns, role))]
    return (text, *map(_as_text, roles), *(_as_text(values[c]) for c in columns.metadata)), None


def _as_text(value: Any) -> str | None:
    return None if value is None or value != value or not (text := str(value)).strip() else text


def _listed(names: Sequence[str]) -> str:
    return f"column {names[0]!r}" if len(names) == 1 else f"columns {', '.join(map(repr, names))}"
