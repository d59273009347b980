"""Vectors with their ids, labels and metadata in a file that other tools open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.errors import RunError
from vicreg_core.files import atomic_path

_CSV_ROWS = 8192


@dataclass(frozen=True, slots=True)
class VectorTable:
    """Vectors and the columns beside them.

    Attributes:
        columns: ``id`` first, then e.g. ``split``, ``label``, ``group`` and metadata; each of length ``n``.
        vectors: ``(n, D) float32``.
    """

    columns: Mapping[str, Any]
    vectors: NDArray[np.float32]


def write_vectors(path: Path, table: VectorTable) -> list[Path]:
    """Write a table in the format of the file name's suffix; whole or not at all.

    - ``.parquet``: the columns, then ``vector``, a fixed-size list of ``D`` float32.
    - ``.csv``: the columns, then ``v0`` to ``v{D-1}``, each number with the digits that give it back exactly.
    - ``.npz``: an array a column, and ``vectors``; text as unicode arrays, so that it loads without pickle.
    - ``.npy``: the vectors alone, and beside them the columns as ``<stem>.ids.csv``, row for row.

    Returns:
        The files written.

    Raises:
        RunError: another suffix, or the disk refuses.
    """
    files = files_of(path)
    for beside in files[1:]:
        with atomic_path(beside) as temporary:
            _write_csv(temporary, VectorTable(table.columns, table.vectors[:, :0]))
    with atomic_path(path) as temporary:
        _WRITERS[path.suffix](temporary, table)
    return files


def files_of(path: Path) -> list[Path]:
    """The files that :func:`write_vectors` would write, the given one first.

    Raises:
        RunError: there is no such format.
    """
    if path.suffix not in _WRITERS:
        raise RunError(
            f"--out {path}: expected a name that ends in {', '.join(_WRITERS)}, got {path.suffix!r}"
        )
    return [path, path.with_suffix(".ids.csv")] if path.suffix == ".npy" else [path]


def _write_parquet(path: Path, table: VectorTable) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    width = table.vectors.shape[1]
    flat = pa.array(np.ascontiguousarray(table.vectors).reshape(-1))
    columns = {name: pa.array(_plain(column)) for name, column in table.columns.items()}
    columns["vector"] = pa.FixedSizeListArray.from_arrays(flat, width)
    # Dictionary encoding would look for repeated numbers, of which vectors have none.
    pq.write_table(pa.table(columns), path, use_dictionary=list(table.columns), compression="zstd")


def _write_csv(path: Path, table: VectorTable) -> None:
    import pyarrow as pa
    from pyarrow import csv

    names = [f"v{index}" for index in range(table.vectors.shape[1])]
    columns = {name: pa.array(_plain(column)) for name, column in table.columns.items()}
    whole = pa.table({**columns, **{name: table.vectors[:, i] for i, name in enumerate(names)}})
    with csv.CSVWriter(path, whole.schema) as writer:
        for batch in whole.to_batches(max_chunksize=_CSV_ROWS):
            writer.write_batch(batch)


def _write_npz(path: Path, table: VectorTable) -> None:
    arrays: dict[str, Any] = {name: _array(column) for name, column in table.columns.items()}
    with path.open("wb") as stream:
        np.savez(stream, vectors=table.vectors, **arrays)


def _write_npy(path: Path, table: VectorTable) -> None:
    with path.open("wb") as stream:
        np.save(stream, table.vectors)


_WRITERS: dict[str, Callable[[Path, VectorTable], None]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".npz": _write_npz,
    ".npy": _write_npy,
}


def _plain(column: Any) -> Any:
    """A column as Arrow takes it; values of mixed type become text."""
    import pyarrow as pa

    values = column.tolist() if isinstance(column, np.ndarray) else list(column)
    try:
        pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return [None if value is None else str(value) for value in values]
    return values


def _array(column: Any) -> NDArray[Any]:
    array = np.asarray(column)
    return array.astype(str) if array.dtype == object else array
