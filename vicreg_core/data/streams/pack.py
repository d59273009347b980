"""A folder of files, or a table, as Parquet shards with a manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from vicreg_core.data.paths import files_below, inside
from vicreg_core.data.streams.manifest import FILE, Manifest, ShardEntry, parse_manifest
from vicreg_core.data.streams.shards import Shards
from vicreg_core.data.tables import TableFileConfig, read_table
from vicreg_core.errors import DataError, RunError
from vicreg_core.files import atomic_path, remove, write_text

_PROGRESS = "packing.json"
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
    mark = _mark(source, rows, embed)
    done = _done(target, mark)
    target.mkdir(parents=True, exist_ok=True)
    entries, found = list[ShardEntry](), _rows_of(source, embed)
    while True:
        name = f"shard-{len(entries):06d}.parquet"
        if len(entries) < len(done):
            entry = done[len(entries)]
            sum(1 for _ in islice(found, entry.rows))
        elif block := list(islice(found, rows)):
            entry = _write(block, target / name)
            say(f"{name}: {entry.rows:,} rows, {entry.size:,} bytes")
        else:
            break
        entries.append(entry)
        write_text(target / _PROGRESS, Manifest(source=mark, shards=tuple(entries)).model_dump_json())
    if not entries:
        raise DataError(f"{source} holds nothing to pack")
    manifest = Manifest(source=mark, shards=tuple(entries))
    write_text(target / FILE, json.dumps(manifest.model_dump(), indent=1))
    remove(target / _PROGRESS)
    return manifest


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
        entries.append(_entry(path, name, rows))
        say(f"{name}: {rows:,} rows")
    manifest = Manifest(shards=tuple(entries))
    write_text(target, json.dumps(manifest.model_dump(), indent=1))
    return manifest


def _rows_of(source: Path, embed: str | None) -> Iterator[Cells]:
    if source.is_dir():
        yield from _files(source)
        return
    for row in read_table(source, TableFileConfig()):
        if row.problem:
            raise DataError(f"{row.place}: {row.problem}")
        if embed is None:
            yield row.values
            continue
        if embed not in row.values:
            raise DataError(f"{row.place} has no column {embed!r} (--embed) among {', '.join(row.values)}")
        file = inside(source.parent, str(row.values[embed]), row.place)
        yield {**row.values, embed: _content(file)}


def _files(folder: Path) -> Iterator[Cells]:
    found = files_below(folder).paths
    names = [path.relative_to(folder) for path in found]
    labelled = len({name.parts[0] for name in names if len(name.parts) > 1}) > 1
    for path, name in zip(found, names, strict=True):
        label = {"label": name.parts[0] if len(name.parts) > 1 else None} if labelled else {}
        yield {"path": name.as_posix(), "content": _content(path), **label}


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
    return _entry(path, path.name, len(block))


def _entry(path: Path, name: str, rows: int) -> ShardEntry:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return ShardEntry(name=name, rows=rows, size=path.stat().st_size, sha256=digest)


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


def _done(target: Path, mark: str) -> list[ShardEntry]:
    """The shards of an earlier call that are whole."""
    if target.exists() and not target.is_dir():
        raise RunError(f"{target} is a file; name a folder for the shards")
    progress = next((target / name for name in (_PROGRESS, FILE) if (target / name).exists()), None)
    if progress is None:
        if target.is_dir() and any(target.iterdir()):
            raise RunError(
                f"{target} is not empty and holds no shards of an earlier call; name another folder"
            )
        return []
    manifest = parse_manifest(progress.read_bytes(), str(progress))
    if manifest.source != mark:
        raise RunError(f"{target} holds shards of other files, or of another --rows; name another folder")
    whole = []
    for entry in manifest.shards:
        path = target / entry.name
        if not path.is_file() or _entry(path, entry.name, entry.rows) != entry:
            break
        whole.append(entry)
    return whole
