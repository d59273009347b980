"""Profiles for the tools of biologists: pycytominer's tables and means over wells, from a finished run.

``python -m vicreg_biomedical.profiles RUN [KEY=VALUE]... --out wells.parquet --by plate,well`` embeds the
run's data, or other data named by overrides such as ``data.path=plate-2``, and writes it by the suffix of
``--out``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vicreg_core.errors import RunError, VicregError
from vicreg_core.vectors.files import VectorTable, write_vectors

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

SUFFIXES = (".h5ad", ".parquet", ".csv", ".csv.gz")
FEATURE = "VICReg"


def to_profiles(table: VectorTable) -> pd.DataFrame:
    """pycytominer's form: a row a cell, ``Metadata_*`` columns, then ``VICReg_0`` to ``VICReg_{D-1}``."""
    import pandas as pd

    metadata = pd.DataFrame({f"Metadata_{name}": _uniform(column) for name, column in table.columns.items()})
    features = pd.DataFrame(table.vectors, columns=[f"{FEATURE}_{d}" for d in range(table.vectors.shape[1])])
    return pd.concat([metadata, features], axis=1)


def aggregate(table: VectorTable, by: Sequence[str]) -> VectorTable:
    """Mean vector of all cells alike in the columns ``by``, e.g. plate and well.

    Columns that are constant within every profile are kept; ``cells`` counts what went in.

    Raises:
        RunError: for a column that is not there.
    """
    import pandas as pd

    missing = [name for name in by if name not in table.columns]
    if missing:
        there = ", ".join(table.columns)
        raise RunError(f"--by {','.join(by)}: no column {', '.join(missing)}; there are {there}")
    columns = pd.DataFrame({name: _uniform(column) for name, column in table.columns.items() if name != "id"})
    grouped = columns.groupby(list(by), sort=True, dropna=False)
    number, count = grouped.ngroup().to_numpy(), grouped.ngroups
    sums = np.zeros((count, table.vectors.shape[1]))
    np.add.at(sums, number, table.vectors)
    cells = np.bincount(number, minlength=count)
    constant = grouped.nunique(dropna=False).le(1).all()
    first = columns.groupby(number).first()
    kept = {name: first[name].tolist() for name in columns if name in by or bool(constant.get(name, False))}
    ids = ["_".join(str(kept[name][row]) for name in by) for row in range(count)]
    means = (sums / cells[:, None]).astype(np.float32)
    return VectorTable({"id": ids, **kept, "cells": cells.tolist()}, means)


def write_profiles(path: Path, table: VectorTable) -> None:
    """Write by suffix: AnnData for ``.h5ad``, pycytominer's form for ``.parquet``, ``.csv`` and ``.csv.gz``.

    Raises:
        RunError: for another suffix.
    """
    if not path.name.endswith(SUFFIXES):
        raise RunError(f"--out {path}: expected a name that ends in {', '.join(SUFFIXES)}")
    if path.suffix == ".h5ad":
        write_vectors(path, table)
    elif path.suffix == ".parquet":
        to_profiles(table).to_parquet(path, index=False)
    else:
        to_profiles(table).to_csv(path, index=False)


def _uniform(column: Any) -> list[Any]:
    """Numbers and truth values as they are; anything mixed, or with gaps, as text."""
    values = column.tolist() if isinstance(column, np.ndarray) else list(column)
    if len({type(value) for value in values}) == 1:
        return values
    return ["" if value is None else str(value) for value in values]


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m vicreg_biomedical.profiles", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="other data, e.g. data.path=plate-2"
    )
    parser.add_argument("--out", type=Path, required=True, help=f"file to write: {', '.join(SUFFIXES)}")
    parser.add_argument("--by", default="", help="columns to average cells by, e.g. plate,well")
    parser.add_argument("--overwrite", action="store_true", help="replace the file")
    given = parser.parse_args(arguments)
    try:
        if given.out.exists() and not given.overwrite:
            raise RunError(f"{given.out} exists; replace it with --overwrite, or give another --out")
        from vicreg_core.vectors.of_run import embed_run

        table = embed_run(given.run, overrides=given.overrides, samples=False, say=_tell)
        if given.by:
            table = aggregate(table, given.by.split(","))
        write_profiles(given.out, table)
    except VicregError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{len(table.vectors):,} profiles of {table.vectors.shape[1]} features in {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
