"""A folder of files, or a table, as Parquet shards with a manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from vicreg_core.data.paths import files_below, inside
from vicreg_core.data.streams.journal import Journal, entry_of
from vicreg_core.data.streams.manifest import Manifest, ShardEntry
from vicreg_core.data.streams.shards import Shards
from vicreg_core.data.tables import TableFileConfig, read_table
from vicreg_core.errors import DataError
from vicreg_core.files import atomic_path, write_text

_GROUP = 256
"""Rows of a row group: what is read at once."""

Cells = Mapping[str, Any]
Say = Callable[[str], None]


def pack(
    source: Path, target: Path, *, rows: int, embed: str | None = None, say: Say = lambda _: None
) -> Manifest:
    """Write the files below a folder, or the rows of a table, as shards.

    Files become the columns ``path``, ``content`` (bytes) and, where there are sub-folders, ``label``. What
    was interrupted goes on: shards that are whole are not written again.

    Args:
        source: folder or table.
        target: folder of the shards; new, or of the same source.
        rows: of a shard.
        embed: column of paths, relative to the table, whose files are put in their place.
        say: told of each shard.

    Raises:
        DataError: the source holds nothing, or a file cannot be read.
        RunError: ``target`` holds something else, or the disk refuses.
    """
    journal = Journal(target, _mark(source, rows, embed), "shards")
    names, found = list[str](), _rows_of(source, embed)
    while True:
        name = f"shard-{len(names):06d}.parquet"
        if (whole := journal.done.get(name)) is not None:
            sum(1 for _ in islice(found, whole.rows))
        elif block := [cells() for cells in islice(found, rows)]:
            entry = _write(block, target / name)
            journal.add(entry)
            say(f"{name}: {entry.rows:,} rows, {entry.size:,} bytes")
        else:
            break
        names.append(name)
    if not names:
        raise DataError(f"{source} holds nothing to pack")
    return journal.finish(names)


def index(patterns: Sequence[str], target: Path, *, say: Say = lambda _: None) -> Manifest:
    """A manifest of shards that are there already, all below the manifest's folder.

    Raises:
        DataError: a shard cannot be read, or lies elsewhere.
    """
    shards = Shards("SHARDS", [str(pattern) for pattern in patterns])
    entries = []
    for file, rows in zip(shards.files, shards.counts.tolist(), strict=True):
        path = Path(file.path)
        if file.store.protocol or not path.is_relative_to(target.parent.resolve()):
            raise DataError(
                f"{file.store.shown(file.path)} does not lie below {target.parent}, the manifest's folder"
            )
        name = path.relative_to(target.parent.resolve()).as_posix()
        entries.append(entry_of(path, name, rows))
        say(f"{name}: {rows:,} rows")
    manifest = Manifest(shards=tuple(entries))
    write_text(target, json.dumps(manifest.model_dump(), indent=1))
    return manifest


def _rows_of(source: Path, embed: str | None) -> Iterator[Callable[[], Cells]]:
    """Each row as what reads its files: those of shards that are there already are not read again."""
    if source.is_dir():
        yield from _files(source)
        return
    for row in read_table(source, TableFileConfig()):
        if row.problem:
            raise DataError(f"{row.place}: {row.problem}")
        if embed is None:
            yield partial(dict, row.values)
            continue
        if embed not in row.values:
            raise DataError(f"{row.place} has no column {embed!r} (--embed) among {', '.join(row.values)}")
        file = inside(source.parent, str(row.values[embed]), row.place)
        yield partial(_with_content, row.values, embed, file)


def _files(folder: Path) -> Iterator[Callable[[], Cells]]:
    found = files_below(folder).paths
    names = [path.relative_to(folder) for path in found]
    labelled = len({name.parts[0] for name in names if len(name.parts) > 1}) > 1
    for path, name in zip(found, names, strict=True):
        label = {"label": name.parts[0] if len(name.parts) > 1 else None} if labelled else {}
        yield partial(_with_content, {"path": name.as_posix(), "content": None, **label}, "content", path)


def _with_content(cells: Cells, column: str, path: Path) -> Cells:
    """A row whose column holds the bytes of a file."""
    return {**cells, column: _content(path)}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def _write(block: list[Cells], path: Path) -> ShardEntry:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = list(dict.fromkeys(name for row in block for name in row))
    try:
        table = pa.table({name: [row.get(name) for row in block] for name in names})
    except (pa.ArrowException, TypeError) as error:
        raise DataError(f"rows of {path.name} do not make a table: {error}") from error
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, row_group_size=_GROUP, write_page_checksum=True)
    return entry_of(path, path.name, len(block))


def _mark(source: Path, rows: int, embed: str | None) -> str:
    """Changes with what is packed, and how."""
    if source.is_dir():
        files = [(path.relative_to(source).as_posix(), path) for path in files_below(source).paths]
    elif source.is_file():
        files = [(source.name, source)]
    else:
        raise DataError(f"there is no folder or table {source}")
    stated = [(name, path.stat().st_size, path.stat().st_mtime_ns) for name, path in files]
    return hashlib.sha256(json.dumps([rows, embed, stated]).encode()).hexdigest()
