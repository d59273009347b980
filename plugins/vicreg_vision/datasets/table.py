"""``vision/table``: images in tables of any format, as paths of image files or as encoded bytes."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vicreg_core.contracts import Split
from vicreg_core.data.tables import find_files, read_table, table_format
from vicreg_core.errors import DataError
from vicreg_vision.datasets.adapters import ImageAdapter
from vicreg_vision.datasets.config import TableConfig
from vicreg_vision.datasets.image_table import ImageTable, open_table


@dataclass(frozen=True, slots=True)
class _RowNames:
    """Names a row of tables read one after the other; picklable, as loader workers need it.

    Attributes:
        files: of each file its path, where rows are counted from 0, or the name of each of its rows.
        starts: the position of its first row.
    """

    files: Sequence[str | Sequence[str]]
    starts: Sequence[int]

    def __call__(self, row: int) -> str:
        file = bisect_right(self.starts, row) - 1
        names, at = self.files[file], row - self.starts[file]
        return f"row {at} (the first is 0) of {names}" if isinstance(names, str) else names[at]


def build(config: TableConfig, split: Split) -> ImageAdapter | None:
    """The images of one split.

    Ids are row numbers unless ``id_column`` is given. Paths are relative to the folder of the first file, or
    to ``root``, and may not lead out of it.

    Raises:
        DataError: for files, columns, labels or images that cannot be used, each by its name.
    """
    if split == "test" and not config.test:
        return None
    train = _read(config.train, "data.train", config)
    chosen = train if split == "train" else _read(config.test, "data.test", config)
    return open_table(chosen, train, config)


def _read(patterns: tuple[str, ...], key: str, config: TableConfig) -> ImageTable:
    import pyarrow as pa

    paths = find_files(key, patterns, "use vision/folder or, for a folder of tables, vision/huggingface")
    formats = [table_format(path, config) for path in paths]
    _check_memory([path for path, form in zip(paths, formats, strict=True) if form == "parquet"], key)
    tables: list[Any] = []
    names: list[str | Sequence[str]] = []
    starts = [0]
    problems: dict[int, str] = {}
    for path, form in zip(paths, formats, strict=True):
        named: str | Sequence[str] = str(path)
        if form == "parquet":
            table = _read_parquet(path, key)
        else:
            table, named, broken = _read_rows(path, config)
            problems |= {starts[-1] + row: problem for row, problem in broken.items()}
        tables.append(table)
        names.append(named)
        starts.append(starts[-1] + table.num_rows)
    if len(distinct := {tuple(sorted(table.column_names)) for table in tables}) > 1:
        listed = " and ".join(", ".join(columns) for columns in sorted(distinct)[:2])
        raise DataError(f"{key}: the files do not have the same columns: {listed}")
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise DataError(f"{key}: the same column is of another kind in another file: {error}") from error
    root = Path(config.root).expanduser() if config.root is not None else paths[0].parent
    return ImageTable(table, f"{key} ({paths[0]})", _RowNames(names, starts[:-1]), root, problems)


def _read_parquet(path: Path, key: str) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_table(path, partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{key}: {path} cannot be read as Parquet: {error}") from error


def _read_rows(path: Path, config: TableConfig) -> tuple[Any, list[str], dict[int, str]]:
    """An Arrow table of the rows of a file, their places, and what is wrong with the broken ones.

    A broken row keeps its number, so that ids do not move where it is skipped; its cells are empty.
    """
    import pyarrow as pa

    places: list[str] = []
    problems: dict[int, str] = {}
    columns: dict[str, list[Any]] = {}
    for number, row in enumerate(read_table(path, config)):
        places.append(row.place)
        if row.problem is not None:
            problems[number] = row.problem
        for name in row.values:
            columns.setdefault(name, [None] * number)
        for name, cells in columns.items():
            cells.append(row.values.get(name))
    text = {config.id_column, config.image_column}
    arrays = {name: _column(cells, as_text=name in text) for name, cells in columns.items()}
    # Where no row can be read there is no column; the table has its rows nevertheless.
    return pa.table(arrays or {"": pa.nulls(len(places))}), places, problems


def _column(cells: list[Any], *, as_text: bool) -> Any:
    """Cells as Arrow: empty ones null, whole numbers where all are (but 007 stays text ``as_text``)."""
    import pyarrow as pa

    cells = [None if cell == "" else cell for cell in cells]
    texts = [None if cell is None else str(cell) for cell in cells]
    if as_text:
        return pa.array(texts, pa.string())
    try:
        if texts == cells:
            return pa.array([None if cell is None else int(cell) for cell in cells], pa.int64())
        return pa.array(cells)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return pa.array(texts, pa.string())


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
        try:
            metadata = parquet.read_metadata(path)
        except (ArrowException, OSError) as error:
            raise DataError(f"{key}: {path} cannot be read as Parquet: {error}") from error
        size += sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > memory // 2:
        raise DataError(
            f"{key}: the tables take {size / 2**30:.1f} GiB in memory, more than half of this machine's "
            f"{memory / 2**30:.1f}; use vision/huggingface with the folder of the tables, which maps them"
        )
