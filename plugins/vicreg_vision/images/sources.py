"""Where the encoded bytes of each image of a dataset lie: files of a folder, or cells of a table."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from vicreg_core.data.paths import inside
from vicreg_vision.images.decode import UnreadableImageError


class ImageSource(Protocol):
    """Encoded images by position; picklable, so that loader workers can hold one."""

    def __len__(self) -> int:
        """Number of images."""
        ...

    def name(self, index: int) -> str:
        """What errors call the image."""
        ...

    def open(self, index: int) -> BinaryIO:
        """Its bytes, as a file to read.

        Raises:
            UnreadableImageError: where they cannot be had.
            DataError: where they must not be read at all.
        """
        ...

    def signature(self, index: int) -> bytes:
        """Changes with the image: a hash of its bytes, or the path, size and time of its file."""
        ...


class FileSource:
    """The images of a folder, by their paths relative to it."""

    def __init__(self, root: Path, paths: Sequence[str]) -> None:
        self.root, self.paths = os.fspath(root), paths

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, index: int) -> str:
        """The path of the file."""
        return printable(os.path.join(self.root, self.paths[index]))

    def open(self, index: int) -> BinaryIO:
        """The file, opened."""
        return open_file(os.path.join(self.root, self.paths[index]), self.name(index))

    def signature(self, index: int) -> bytes:
        """Of the path, size and time of change of the file."""
        return file_signature(self.paths[index], os.path.join(self.root, self.paths[index]))


class TableSource:
    """A column of a table: encoded bytes, paths, or the structs ``{bytes, path}`` of Hugging Face's Image.

    Args:
        column: a ``pyarrow.ChunkedArray``.
        name: the name of the row at a position.
        root: the folder that paths are relative to and may not leave.
        problems: why a row cannot be read, by its position.
    """

    def __init__(
        self, column: Any, name: Callable[[int], str], root: Path, problems: Mapping[int, str] | None = None
    ) -> None:
        self.row, self.problems = name, problems or {}
        self.root = Path(os.path.realpath(root))
        self.cells = _fields(column)
        self.paths = [cells for cells in self.cells if _is_text(cells.type)]

    def __len__(self) -> int:
        return len(self.cells[0])

    def name(self, index: int) -> str:
        """The path in the cell, where it has one, and its row."""
        path = next((cells[index].as_py() for cells in self.paths), None)
        return f"{path} ({self.row(index)})" if path else self.row(index)

    def open(self, index: int) -> BinaryIO:
        """The bytes of the cell, or the file it names."""
        for column in self.cells:
            value = column[index].as_py()
            if isinstance(value, bytes):
                return io.BytesIO(value)
            if value:
                return self._open_path(value, self.row(index))
        raise UnreadableImageError(self.name(index), self.problems.get(index, "the cell is empty"))

    def signature(self, index: int) -> bytes:
        """Of the bytes in the cell, or of the file it names."""
        for column in self.cells:
            value = column[index].as_py()
            if isinstance(value, bytes):
                return hashlib.blake2b(value, digest_size=16).digest()
            if value:
                return file_signature(value, os.path.join(self.root, value))
        return b"empty"

    def _open_path(self, path: str, row: str) -> BinaryIO:
        if "://" in path or "\0" in path:
            raise UnreadableImageError(row, f"{path!r} is not the path of a local file")
        return open_file(os.fspath(inside(self.root, path, row)), f"{path} ({row})")


def _fields(column: Any) -> list[Any]:
    """The columns to look into, in order; the fields of a struct, whose cells are costly to take apart."""
    import pyarrow as pa
    from pyarrow import compute

    if not pa.types.is_struct(column.type):
        return [column]
    names = [name for name in ("bytes", "path") if column.type.get_field_index(name) >= 0]
    return [compute.struct_field(column, name) for name in names]


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))


def printable(path: str) -> str:
    """A path as valid Unicode: bytes of a file name that are no UTF-8 become backslash escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def file_signature(name: str, path: str) -> bytes:
    """Of a name, and of the size and time of change of the file at ``path``, if there is one."""
    try:
        found = os.stat(path)
        facts = f"{found.st_size} {found.st_mtime_ns}"
    except (OSError, ValueError):
        facts = "none"
    return hashlib.blake2b(f"{name}\0{facts}".encode("utf-8", "surrogateescape"), digest_size=16).digest()


def open_file(path: str, name: str) -> BinaryIO:
    """Open a file for reading.

    Raises:
        UnreadableImageError: naming ``name`` and what the system says.
    """
    try:
        # A pipe or a device among the files would block or never end.
        if os.path.exists(path) and not os.path.isfile(path):
            raise UnreadableImageError(name, "not a regular file")
        return open(path, "rb")
    except OSError as error:
        raise UnreadableImageError(name, str(error.strerror or error)) from error


def read(source: ImageSource, index: int) -> bytes:
    """All bytes of one image.

    Raises:
        UnreadableImageError: where they cannot be read.
    """
    with source.open(index) as file:
        try:
            return file.read()
        except OSError as error:
            raise UnreadableImageError(source.name(index), error.strerror or str(error)) from error
