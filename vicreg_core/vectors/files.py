"""Vectors with their ids, labels and metadata in a file that other tools open."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.errors import RunError
from vicreg_core.files import atomic_path, sync_file, write_array

_CSV_ROWS = 8192
_FORMULA = re.compile(r"[=+\-@\t\r]")
"""Beginnings of cells that spreadsheets take for a formula (OWASP, "CSV injection")."""
_MODEL = "vicreg_model"
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class VectorTable:
    """Vectors and the columns beside them.

    Attributes:
        columns: ``id`` first, then e.g. ``split``, ``label``, ``group`` and metadata; each of length ``n``.
        vectors: ``(n, D) float32``.
        pictures: a PNG file of each sample, or ``None``.
        model: what tells the model that made the vectors from others, kept in ``.parquet``; may be empty.
    """

    columns: Mapping[str, Any]
    vectors: NDArray[np.float32]
    pictures: Sequence[bytes] | None = None
    model: str = ""


def write_vectors(path: Path, table: VectorTable) -> list[Path]:
    """Write a table in the format of the file name's suffix; whole or not at all.

    - ``.parquet``: the columns, then ``image`` where there are pictures, a struct of ``bytes`` (PNG) and
      ``path`` (null) as datasets' ``Image`` is stored, then ``vector``, a fixed-size list of ``D`` float32
      (none of tables without vectors).
    - ``.csv``: the columns, then ``v0`` to ``v{D-1}``, each number with the digits that give it back exactly.
      Text that begins like a formula has an apostrophe before it, so that a spreadsheet does not run it.
    - ``.npz``: an array a column, and ``vectors``; text as unicode arrays, so that it loads without pickle.
    - ``.npy``: the vectors alone, and beside them the columns as ``<stem>.ids.csv``, row for row.
    - ``.h5ad``: AnnData, with the vectors as ``X``, the columns in ``obs`` by ``id`` (``split/id`` where ids
      of splits repeat), and the projection as ``obsm["X_projection"]``, where scanpy looks for it.

    Returns:
        The files written.

    Raises:
        RunError: another suffix, or the disk refuses.
    """
    files = files_of(path)
    with contextlib.ExitStack() as stack:
        # Both are written before either appears, so that a full disk leaves nothing.
        path_now, *beside = [stack.enter_context(atomic_path(file)) for file in files]
        _WRITERS[path.suffix](path_now, table)
        for each in beside:
            _write_csv(each, VectorTable(table.columns, table.vectors[:, :0]))
        for each in (path_now, *beside):
            sync_file(each)
    return files


def model_of(path: Path) -> str | None:
    """What the table of a ``.parquet`` file says of the model that made it; ``None``: nothing, or damaged.

    The whole file is read, and its pages held against their checksums.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for _ in file.iter_batches():
                pass
            told = (file.schema_arrow.metadata or {}).get(_MODEL.encode())
    except (pa.ArrowException, OSError):
        return None
    return told.decode() if told else None


def files_of(path: Path) -> list[Path]:
    """The files that :func:`write_vectors` would write, the given one first.

    Raises:
        RunError: there is no such format, or what writes it is not installed.
    """
    if path.suffix not in _WRITERS:
        raise RunError(f"{path}: expected a name that ends in {', '.join(_WRITERS)}, got {path.suffix!r}")
    if path.suffix == ".h5ad" and find_spec("anndata") is None:
        raise RunError(f"{path}: .h5ad is written by anndata, which is missing: pip install anndata")
    return [path, path.with_suffix(".ids.csv")] if path.suffix == ".npy" else [path]


def require_writable(path: Path, option: str, *, overwrite: bool) -> None:
    """Refuse a name under which vectors could not be written, before the work that makes them.

    Raises:
        RunError: as :func:`files_of`, or a file that ``option`` names is there and may not be replaced.
    """
    taken = [file for file in files_of(path) if file.exists()]
    if taken and not overwrite:
        raise RunError(f"{taken[0]} exists; replace it with --overwrite, or give another {option}")


def arrow_table(table: VectorTable) -> Any:
    """A ``pyarrow.Table`` of the columns, the pictures and the vectors, as ``.parquet`` holds them."""
    import pyarrow as pa

    width = table.vectors.shape[1]
    flat = pa.array(np.ascontiguousarray(table.vectors).reshape(-1))
    columns = {name: pa.array(_plain(column)) for name, column in table.columns.items()}
    told = {_MODEL: table.model} if table.model else {}
    if table.pictures is not None:
        paths = pa.nulls(len(table.pictures), pa.string())
        columns["image"] = pa.StructArray.from_arrays([pa.array(table.pictures), paths], ["bytes", "path"])
        # By this datasets, and what reads through it, knows that the column is pictures.
        told["huggingface"] = json.dumps({"info": {"features": {"image": {"_type": "Image"}}}})
    if width:
        columns["vector"] = pa.FixedSizeListArray.from_arrays(flat, width)
    return pa.table(columns, metadata=told)


def _write_parquet(path: Path, table: VectorTable) -> None:
    import pyarrow.parquet as pq

    # Dictionary encoding would look for repeated numbers, of which vectors have none.
    pq.write_table(
        arrow_table(table),
        path,
        use_dictionary=list(table.columns),
        compression="zstd",
        write_page_checksum=True,
    )


def _write_csv(path: Path, table: VectorTable) -> None:
    import pyarrow as pa
    from pyarrow import csv

    names = [f"v{index}" for index in range(table.vectors.shape[1])]
    columns = {_safe(name): pa.array(_harmless(_plain(column))) for name, column in table.columns.items()}
    whole = pa.table({**columns, **{name: table.vectors[:, i] for i, name in enumerate(names)}})
    with csv.CSVWriter(path, whole.schema) as writer:
        for batch in whole.to_batches(max_chunksize=_CSV_ROWS):
            writer.write_batch(batch)


def _write_npz(path: Path, table: VectorTable) -> None:
    arrays: dict[str, Any] = {name: _array(column) for name, column in table.columns.items()}
    with path.open("wb") as stream:
        np.savez(stream, vectors=table.vectors, **arrays)


def _write_npy(path: Path, table: VectorTable) -> None:
    write_array(path, table.vectors)


def _write_h5ad(path: Path, table: VectorTable) -> None:
    import pandas as pd  # type: ignore[import-untyped]
    from anndata import AnnData  # type: ignore[import-untyped]

    known = {name: _plain(column) for name, column in table.columns.items()}
    index = pd.Index([str(one) for one in known.pop("id")], name="id")
    if not index.is_unique and "split" in known:
        # The files of a train and a test folder may share their names; AnnData looks rows up by them.
        index = pd.Index(
            [f"{part}/{one}" for part, one in zip(known["split"], index, strict=True)], name="id"
        )
    annotated = AnnData(
        X=table.vectors,
        # Numbers and truth values with gaps stay what they are.
        obs=pd.DataFrame(known, index=index).convert_dtypes(convert_string=False, convert_floating=False),
        var=pd.DataFrame(index=[f"v{i}" for i in range(table.vectors.shape[1])]),
    )
    if "projection_x" in known:
        places = [table.columns["projection_x"], table.columns["projection_y"]]
        annotated.obsm["X_projection"] = np.stack(places, axis=1)
    annotated.write_h5ad(path)


_WRITERS: dict[str, Callable[[Path, VectorTable], None]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".npz": _write_npz,
    ".npy": _write_npy,
    ".h5ad": _write_h5ad,
}


def _plain(column: Any) -> Any:
    """A column as Arrow takes it; values of mixed type become text."""
    import pyarrow as pa

    if isinstance(column, np.ndarray) and column.dtype.kind in "biuf":
        return column
    values = column.tolist() if isinstance(column, np.ndarray) else list(column)
    try:
        pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return [None if value is None else str(value) for value in values]
    return values


def _harmless(column: Any) -> Any:
    """Text that a spreadsheet would run as a formula, made text to it by an apostrophe before it."""
    if isinstance(column, np.ndarray):
        return column
    return [_safe(value) if isinstance(value, str) else value for value in column]


def _safe(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _array(column: Any) -> NDArray[Any]:
    array = np.asarray(column)
    return array.astype(str) if array.dtype == object else array
