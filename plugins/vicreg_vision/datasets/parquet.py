"""``vision/parquet``: images in Parquet, CSV and TSV tables, as encoded bytes or as paths."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from vicreg_core.contracts import Split
from vicreg_core.errors import DataError
from vicreg_vision.datasets.adapters import ImageAdapter
from vicreg_vision.datasets.config import Files, ParquetConfig
from vicreg_vision.datasets.tables import ImageTable, open_table

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_PARQUET = (".parquet", ".pq")


@dataclass(frozen=True, slots=True)
class _RowNames:
    """Names a row of tables read one after the other; picklable, as loader workers need it."""

    files: Sequence[str]
    starts: Sequence[int]

    def __call__(self, row: int) -> str:
        file = bisect_right(self.starts, row) - 1
        return f"row {row - self.starts[file]} (the first is 0) of {self.files[file]}"


def build(config: ParquetConfig, split: Split) -> ImageAdapter | None:
    """The images of one split.

    Ids are row numbers unless ``id_column`` is given. Paths are relative to the table's folder, or to
    ``root``, and may not lead out of it.

    Raises:
        DataError: for files, columns, labels or images that cannot be used, each by its name.
    """
    if split == "test" and config.test is None:
        return None
    train = _read(config.train, "data.train", config)
    chosen = train if split == "train" else _read(config.test or (), "data.test", config)
    return open_table(chosen, train, config)


def _read(files: Files, key: str, config: ParquetConfig) -> ImageTable:
    import pyarrow as pa

    paths = [_existing_file(file, key) for file in ([files] if isinstance(files, str) else files)]
    _check_memory(paths, key)
    tables = [_read_file(path, key, config) for path in paths]
    try:
        table = pa.concat_tables(tables)
    except pa.ArrowInvalid as error:
        raise DataError(f"{key}: the files do not have the same columns: {error}") from error
    starts = list(accumulate((t.num_rows for t in tables), initial=0))[:-1]
    root = Path(config.root).expanduser() if config.root is not None else paths[0].parent
    return ImageTable(table, f"{key} ({paths[0]})", _RowNames([str(path) for path in paths], starts), root)


def _existing_file(file: str, key: str) -> Path:
    path = Path(file).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        raise DataError(
            f"{key}: {file} is a folder, expected a table file; for a folder of tables use vision/huggingface"
        )
    folder = path.absolute().parent
    tables = sorted(p.name for p in folder.iterdir() if _suffix(p)) if folder.is_dir() else []
    listing = f"; tables in {folder}: {', '.join(tables[:10])}" if tables else ""
    raise DataError(f"{key}: there is no file {file} (working directory {Path.cwd()}){listing}")


def _suffix(path: Path) -> str | None:
    suffix = path.suffix.lower()
    return suffix if suffix in _PARQUET or suffix in _DELIMITERS else None


def _read_file(path: Path, key: str, config: ParquetConfig) -> Any:
    import pyarrow as pa
    from pyarrow import csv, parquet

    suffix = _suffix(path)
    if suffix is None:
        raise DataError(f"{key}: {path} ends in none of {', '.join((*_PARQUET, *_DELIMITERS))}")
    try:
        if suffix in _PARQUET:
            return parquet.read_table(path, partitioning=None)
        # Ids such as 007 are text, whatever they look like.
        ids = {config.id_column: pa.string()} if config.id_column is not None else {}
        return csv.read_csv(
            path,
            parse_options=csv.ParseOptions(delimiter=_DELIMITERS[suffix], newlines_in_values=True),
            convert_options=csv.ConvertOptions(column_types=ids),
        )
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{key}: cannot read {path}: {error}") from error


def _check_memory(paths: Sequence[Path], key: str) -> None:
    """Refuse Parquet files that would fill the memory, rather than be killed half-way.

    Raises:
        DataError: where they take more than half of this machine's memory.
    """
    from pyarrow import ArrowException, parquet

    if not hasattr(os, "sysconf"):
        return
    size = 0
    for path in paths:
        if path.suffix.lower() in _PARQUET:
            try:
                metadata = parquet.read_metadata(path)
            except (ArrowException, OSError) as error:
                raise DataError(f"{key}: cannot read {path}: {error}") from error
            size += sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > memory // 2:
        raise DataError(
            f"{key}: the tables take {size / 2**30:.1f} GiB in memory, more than half of this machine's "
            f"{memory / 2**30:.1f}; use vision/huggingface with the folder of the tables, which maps them"
        )
