"""Files that users name or that lie in their folders: regular, inside their root, of a size that is meant.

A FIFO would be waited for without end, a device read without end, and a link or a name out of somebody else's
metadata may lead to a file that nobody meant to hand over. Every dataset opens its files through here.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from vicreg_core.errors import DataError

_MIB = 1 << 20
_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def regular_file(path: str | Path, key: str | None = None) -> Path:
    """``path`` with ``~`` expanded, if a regular file is there (or a link to one).

    Args:
        path: of a file to read.
        key: the recipe's key that names it, for the message.

    Raises:
        DataError: there is nothing, or something that is not a regular file.
    """
    named = f"{key}: " if key else ""
    file = Path(path).expanduser()
    try:
        mode = file.stat().st_mode
    except (OSError, ValueError) as error:
        raise DataError(f"{named}{_absent(file, error)}") from error
    if stat.S_ISREG(mode):
        return file
    kind = next((words for test, words in _KINDS if test(mode)), "no regular file")
    raise DataError(f"{named}{file} is {kind}, expected a file")


def is_inside(root: Path, path: Path) -> bool:
    """Whether ``path``, all links followed, is the folder ``root`` or lies in it."""
    folder = os.path.realpath(root)
    return os.path.commonpath([folder, os.path.realpath(path)]) == folder


def inside(root: Path, name: str, where: str) -> Path:
    """The path of ``name`` below ``root``, for names that come out of data: a table, an archive, metadata.

    Args:
        root: folder that the name is relative to.
        name: what the data says.
        where: what says it, for the message.

    Raises:
        DataError: it leads out of the folder, by ``..``, by a link or as an absolute path.
    """
    path = root / name
    if "\x00" in name or not is_inside(root, path):
        raise DataError(
            f"{where} names {name!r}, which leads out of {root}; only files below that folder are read. "
            "Copy it there, or name the folder that holds both (data.root, where there is that key)"
        )
    return path


@dataclass(frozen=True, slots=True)
class FilesBelow:
    """The files below a folder.

    Attributes:
        paths: regular files that lie in the folder, hidden ones left out, sorted.
        outside: links that lead out of the folder; left out.
        special: pipes, devices, sockets and links to nothing; left out.
    """

    paths: list[Path]
    outside: list[Path]
    special: list[Path]

    def left_out(self) -> list[str]:
        """A line for each path that was left out, for ``DatasetAdapter.skipped``."""
        return [
            *(f"{path}: a link that leads out of the folder" for path in self.outside),
            *(f"{path}: not a regular file" for path in self.special),
        ]


def files_below(root: Path, keep: Callable[[Path], bool] = lambda _: True) -> FilesBelow:
    """Every file below ``root`` for which ``keep`` holds; links inside it are followed, once each folder.

    Args:
        root: an existing folder.
        keep: asked with the path of each file, e.g. for its suffix.

    Raises:
        DataError: for a folder that may not be listed.
    """
    outside: list[Path] = []
    found = FilesBelow([], [], [])
    for path in walk_files(root, outside):
        if keep(path):
            (found.paths if path.is_file() else found.special).append(path)
    found.outside.extend(path for path in outside if path.is_dir() or keep(path))
    for paths in (found.paths, found.outside, found.special):
        paths.sort()
    return found


def walk_files(
    root: Path,
    outside: list[Path],
    *,
    follow: bool = False,
    visible: Callable[[str], bool] = lambda name: not name.startswith("."),
) -> Iterator[Path]:
    """Everything below ``root`` that is no folder; links inside it are followed, once each folder.

    Args:
        root: an existing folder.
        outside: is given the links that lead out of it, which are left out.
        follow: go through those links as well.
        visible: asked with the name of each file and folder; the others are passed over.

    Raises:
        DataError: for a folder that may not be listed.
    """
    entered: set[tuple[int, int]] = set()
    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=_refuse):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in entered:
            subfolders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        here = Path(folder)
        seen = [name for name in (*subfolders, *names) if visible(name)]
        links = () if follow else [name for name in seen if os.path.islink(os.path.join(folder, name))]
        away = {name for name in links if not is_inside(root, here / name)}
        outside.extend(here / name for name in away)
        subfolders[:] = sorted(name for name in subfolders if visible(name) and name not in away)
        yield from (here / name for name in names if visible(name) and name not in away)


def require_size(size: int, most_mib: int, name: str, key: str, advice: str = "") -> None:
    """Refuse what would take more memory than its user can mean, before it is read.

    Args:
        size: in bytes, when decoded.
        most_mib: the limit, in MiB.
        name: of the file or sample.
        key: the recipe's key that raises the limit.
        advice: a sentence on what else can be done.

    Raises:
        DataError: it is larger.
    """
    most = most_mib * _MIB
    if size > most:
        raise DataError(
            f"{name} takes {_in_units(size)} of memory when decoded, more than the {_in_units(most)} "
            f"that {key}={most_mib} allows; is it what you mean? Then set {key}={-(-size // _MIB)}"
            f"{f'. {advice}' if advice else ''}"
        )


def _refuse(error: OSError) -> None:
    raise DataError(f"cannot list the folder {error.filename}: {error.strerror}") from error


def _absent(file: Path, error: OSError | ValueError) -> str:
    if not isinstance(error, FileNotFoundError):
        return f"cannot read {file}: {getattr(error, 'strerror', None) or error}"
    if file.is_symlink():
        return f"there is no file {file}: it is a link to nothing"
    names = [entry.name for entry in file.parent.iterdir()] if file.parent.is_dir() else []
    near = get_close_matches(file.name, names, n=1)
    hint = f"; did you mean {file.parent / near[0]}?" if near else f" (looked from {Path.cwd()})"
    return f"there is no file {file}{hint}"


def _in_units(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB" if size >= 1 << 30 else f"{size / _MIB:,.0f} MiB"
