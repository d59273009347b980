"""The rows of one shard: a Parquet file, a tar archive in the form of WebDataset, or JSON lines."""

from __future__ import annotations

import io
import json
import tarfile
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, islice
from threading import Lock
from typing import Any, TypeAlias

from vicreg_core.data.streams.stores import Store
from vicreg_core.data.tables.formats import COMPRESSIONS
from vicreg_core.errors import DataError

Cells: TypeAlias = Mapping[str, Any]
"""Of a row, by column; of a sample in a tar archive, by what follows the first dot of each file's name."""

_CURSORS = 16
"""Places of one file of lines that stay open."""


class Shard(ABC):
    """One shard, opened; several threads may ask it, one at a time is answered.

    Args:
        store, path: where it is.
        columns: those that are needed; ``None``: all.
    """

    def __init__(self, store: Store, path: str, columns: Sequence[str] | None) -> None:
        self.store, self.path, self.columns = store, path, columns
        self.name, self.lock = store.shown(path), Lock()
        self._opened: list[Any] = []

    def open(self) -> Any:
        """A seekable stream of its bytes, which is closed with it."""
        stream = self.store.open(self.path)
        self._opened.append(stream)
        return stream

    def close(self) -> None:
        """Let its streams go; what was read stays."""
        while self._opened:
            self._opened.pop().close()

    def __del__(self) -> None:
        self.close()

    @property
    @abstractmethod
    def count(self) -> int:
        """Its rows.

        Raises:
            DataError: it is damaged.
        """

    @abstractmethod
    def rows(self, start: int, stop: int) -> list[Cells | str]:
        """The rows from ``start`` to ``stop - 1``; in place of a broken one the reason."""


class ParquetShard(Shard):
    """A row group is read as a whole, and kept until another is asked for."""

    def __init__(self, store: Store, path: str, columns: Sequence[str] | None) -> None:
        super().__init__(store, path, columns)
        self._group: tuple[int, Any] = (-1, None)

    @cached_property
    def _file(self) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.ParquetFile(self.open())
        except pa.ArrowException as error:
            raise DataError(f"{self.name} cannot be read as Parquet: {error}") from error

    @cached_property
    def _starts(self) -> list[int]:
        metadata = self._file.metadata
        return [0, *accumulate(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))]

    @property
    def count(self) -> int:
        """Of its footer."""
        return int(self._file.metadata.num_rows)

    def rows(self, start: int, stop: int) -> list[Cells | str]:
        """Rows as Python values."""
        found: list[Cells | str] = []
        stop = min(stop, self.count)
        while start < stop:
            group = bisect_right(self._starts, start) - 1
            first, end = self._starts[group], min(stop, self._starts[group + 1])
            found += self._read(group).slice(start - first, end - start).to_pylist()
            start = end
        return found

    def _read(self, group: int) -> Any:
        import pyarrow as pa

        if self._group[0] != group:
            there = self._file.schema_arrow.names
            columns = None if self.columns is None else [name for name in self.columns if name in there]
            try:
                self._group = (group, self._file.read_row_group(group, columns=columns))
            except pa.ArrowException as error:
                raise DataError(f"{self.name}: row group {group} is damaged: {error}") from error
        return self._group[1]


class TarShard(Shard):
    """Files with the same name up to the first dot are one sample; its headers are read once, as an index."""

    @cached_property
    def _stream(self) -> Any:
        return self.open()

    @cached_property
    def _index(self) -> list[dict[str, tuple[int, int]]]:
        """Where the files of each sample begin, and their sizes, by suffix."""
        samples, latest = list[dict[str, tuple[int, int]]](), None
        size = self.store.system.size(self.path)
        try:
            with tarfile.open(fileobj=self._stream, mode="r:") as archive:
                for member in archive:
                    if not member.isfile():
                        continue
                    if size is not None and member.offset_data + member.size > size:
                        raise DataError(f"{self.name} ends within {member.name}: it is truncated")
                    folder, _, file = member.name.rpartition("/")
                    stem, _, suffix = file.partition(".")
                    if (folder, stem) != latest:
                        samples.append({})
                        latest = (folder, stem)
                    samples[-1][suffix.lower()] = (member.offset_data, member.size)
        except tarfile.TarError as error:
            raise DataError(f"{self.name} cannot be read as a tar archive: {error}") from error
        return samples

    @property
    def count(self) -> int:
        """Samples of the index."""
        return len(self._index)

    def rows(self, start: int, stop: int) -> list[Cells | str]:
        """Bytes by suffix."""
        return [{suffix: self._bytes(*at) for suffix, at in each.items()} for each in self._index[start:stop]]

    def _bytes(self, offset: int, size: int) -> bytes:
        self._stream.seek(offset)
        content: bytes = self._stream.read(size)
        return content


class LinesShard(Shard):
    """One JSON object a line, compressed or not.

    Lines can only be counted from the start, so places in it that are read on from stay open: each lane of a
    stream has its own.
    """

    def __init__(self, store: Store, path: str, columns: Sequence[str] | None) -> None:
        super().__init__(store, path, columns)
        self._cursors: list[tuple[int, Iterator[str]]] = []

    def _lines(self) -> Iterator[str]:
        import pyarrow as pa

        stream = self.open()
        packed = next((how for suffix, how in COMPRESSIONS.items() if self.path.endswith(suffix)), None)
        if packed:
            stream = pa.CompressedInputStream(pa.PythonFile(stream, "r"), packed)
        with io.TextIOWrapper(io.BufferedReader(_Plain(stream), 1 << 20), encoding="utf-8") as lines:
            yield from (line for line in lines if line.strip())

    @cached_property
    def count(self) -> int:
        """Of lines, by reading it."""
        try:
            return sum(1 for _ in self._lines())
        except (OSError, UnicodeError) as error:
            raise DataError(f"{self.name} cannot be read: {error}") from error

    def rows(self, start: int, stop: int) -> list[Cells | str]:
        """Objects."""
        reached = [each for each in self._cursors if each[0] <= start]
        at, lines = max(reached, key=lambda each: each[0], default=(0, self._lines()))
        self._cursors = [each for each in self._cursors if each[1] is not lines][-_CURSORS + 1 :]
        found = [_parsed(line) for line in islice(lines, start - at, stop - at)]
        self._cursors.append((stop, lines))
        return found


class _Plain(io.RawIOBase):
    """Any binary stream, as Python's own readers take it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._stream.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)


def _parsed(line: str) -> Cells | str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    return value if isinstance(value, dict) else f"a JSON {type(value).__name__} where an object was expected"


KINDS: Mapping[str, type[Shard]] = {
    ".parquet": ParquetShard,
    ".pq": ParquetShard,
    ".tar": TarShard,
    ".jsonl": LinesShard,
    ".ndjson": LinesShard,
}


def open_shard(store: Store, path: str, columns: Sequence[str] | None) -> Shard:
    """A shard by its suffix, one of compression left aside.

    Raises:
        DataError: the suffix is none of a shard.
    """
    bare, packed = path, False
    for suffix in COMPRESSIONS:
        if path.endswith(suffix):
            bare, packed = path.removesuffix(suffix), True
    kind = next((kind for suffix, kind in KINDS.items() if bare.lower().endswith(suffix)), None)
    if kind is None:
        raise DataError(f"{store.shown(path)} is no shard: expected {', '.join(KINDS)}")
    if packed and kind is not LinesShard:
        form = bare.rpartition(".")[2]
        raise DataError(f"{store.shown(path)}: rows of a compressed {form} cannot be found; unpack it")
    return kind(store, path, columns)
