"""What a file is by its name, and its bytes: unpacked where it is compressed, up to a limit."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vicreg_core.data.paths import regular_file
from vicreg_core.data.tables.config import Format, TableFileConfig
from vicreg_core.errors import DataError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "xlsx",
}
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_PACKED_INSIDE = ("parquet", "xlsx")


def table_format(path: Path, config: TableFileConfig) -> Format:
    """The format of a table, by ``data.format`` or by its suffix, one of compression left aside.

    Raises:
        DataError: where the suffix does not say, or for a compressed file of a format that is read in place.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] if suffixes and suffixes[-1] in COMPRESSIONS else []
    bare = suffixes[: len(suffixes) - len(packed)]
    form = config.format if config.format != "auto" else _FORMATS.get(bare[-1] if bare else "")
    if form is None:
        raise DataError(
            f"{path.name}: the suffix {path.suffix!r} does not say what it is; set data.format to "
            f"{', '.join(dict.fromkeys(_FORMATS.values()))}"
        )
    if packed and form in _PACKED_INSIDE:
        raise DataError(
            f"{path.name}: {form} is compressed in itself and not read through {packed[0]}; unpack it first"
        )
    return form


def open_unpacked(path: Path, config: TableFileConfig) -> io.BufferedReader:
    """A stream of the bytes of a regular file, unpacked where its suffix names a compression.

    Raises:
        DataError: for what is no file, and, while it is read, for a damaged one or one that unpacks to more
            than ``data.max_unpacked_mib``.
    """
    file = regular_file(path)
    compression = COMPRESSIONS.get(file.suffix.lower())
    if compression is None:
        return file.open("rb")
    import pyarrow as pa

    stream = pa.input_stream(str(file), compression=compression)
    return io.BufferedReader(_Unpacked(stream, file, config.max_unpacked_mib), 1 << 20)


class _Unpacked(io.RawIOBase):
    """What a decompressor gives, until it is too much."""

    def __init__(self, stream: Any, path: Path, most_mib: int) -> None:
        self._stream, self._path, self._most_mib = stream, path, most_mib
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        try:
            part: bytes = self._stream.read(len(view))
        except OSError as error:
            raise DataError(
                f"{self._path} cannot be unpacked: {error}; it is damaged, or its suffix is not what it is"
            ) from error
        self._size += len(part)
        if self._size > self._most_mib << 20:
            packed = self._path.stat().st_size
            raise DataError(
                f"{self._path} ({packed:,} bytes) unpacks to more than the {self._most_mib:,} MiB that "
                "data.max_unpacked_mib allows; is it what you mean? Then raise it"
            )
        view[: len(part)] = part
        return len(part)

    def close(self) -> None:
        self._stream.close()
        super().close()
