"""Vectors with their samples as what search libraries open: faiss, usearch and LanceDB."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from vicreg_core.errors import RunError
from vicreg_core.vectors.files import VectorTable, arrow_table, write_vectors

SAMPLES, TABLE, ABOUT = "samples.parquet", "samples", "index.json"


@dataclass(frozen=True, slots=True)
class IndexFormat:
    """One of the libraries.

    Attributes:
        library: that writes it, and that opens it.
        summary: what is written.
        write: ``write(table, folder)`` fills an empty folder.
    """

    library: str
    summary: str
    write: Callable[[VectorTable, Path], None]


def write_index(form: str, table: VectorTable, folder: Path) -> None:
    """Fill an empty folder with an index of the vectors by cosine similarity.

    Args:
        form: of :data:`FORMATS`.
        table: the vectors ``(n, D) float32`` with their samples.
        folder: it lies beside ``index.json``, which says what model the vectors are of.

    Raises:
        RunError: the library is not installed, or the disk refuses.
    """
    require_library(form)
    FORMATS[form].write(table, folder)
    rows, width = table.vectors.shape
    about = {"metric": "cosine", "vectors": rows, "dimensions": width, "model": table.model}
    (folder / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def require_library(form: str) -> None:
    """Raise a ``RunError`` that says what to install, where the library of a format is missing."""
    library = FORMATS[form].library
    if find_spec(library) is None:
        raise RunError(
            f"--format {form} is written by {library}, which is missing: pip install 'vicreg-suite[index]'"
        )


def _write_faiss(table: VectorTable, folder: Path) -> None:
    faiss: Any = import_module("faiss")
    index = faiss.IndexFlatIP(table.vectors.shape[1])
    unit = np.array(table.vectors, dtype=np.float32)
    faiss.normalize_L2(unit)
    index.add(unit)
    faiss.write_index(index, str(folder / "vectors.faiss"))
    _write_samples(table, folder)


def _write_usearch(table: VectorTable, folder: Path) -> None:
    usearch: Any = import_module("usearch.index")
    index = usearch.Index(ndim=table.vectors.shape[1], metric="cos", dtype="f32")
    index.add(np.arange(len(table.vectors)), np.ascontiguousarray(table.vectors))
    index.save(str(folder / "vectors.usearch"))
    _write_samples(table, folder)


def _write_lancedb(table: VectorTable, folder: Path) -> None:
    lancedb: Any = import_module("lancedb")
    lancedb.connect(str(folder)).create_table(TABLE, arrow_table(table))


def _write_samples(table: VectorTable, folder: Path) -> None:
    """The samples, row for row as in the index."""
    write_vectors(folder / SAMPLES, replace(table, vectors=table.vectors[:, :0]))


FORMATS = {
    "faiss": IndexFormat("faiss", "vectors.faiss, exact, and the samples row for row", _write_faiss),
    "usearch": IndexFormat(
        "usearch", "vectors.usearch, approximate, and the samples row for row", _write_usearch
    ),
    "lancedb": IndexFormat("lancedb", f"a database with the table {TABLE!r}", _write_lancedb),
}
