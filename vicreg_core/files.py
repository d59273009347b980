"""Files that are either whole or not there, and that say when they are no longer what was written."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import stat
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from vicreg_core.errors import RunError

_PARTIAL, _REMOVED = ".partial-", ".removed-"
_SEAL = "checksum"


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries, so that a rename inside it survives a power cut (POSIX only)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sync_file(path: Path) -> None:
    """Flush a file's content to disk."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


@contextlib.contextmanager
def atomic_path(target: Path, *, keep_first: bool = False) -> Iterator[Path]:
    """A temporary sibling of ``target`` to write to; renamed over it on success, removed on failure.

    The temporary keeps ``target``'s suffix, for writers that choose their format by it. Whatever is made
    at the yielded path, a file or a folder, takes the place of ``target`` whole. No system renames a folder
    over another that is not empty, so an old folder steps aside first: killed between the two renames there
    is neither. Folders that must always be there are therefore written under a new name, never replaced.

    Args:
        target: where it is to be.
        keep_first: leave a folder that another process put there meanwhile as it is, and drop this one: for
            folders that others may be reading.

    Raises:
        RunError: when the disk refuses (full, read-only, no permission); ``target`` is then untouched.
    """
    temporary = target.with_name(_temporary_name(_PARTIAL, target))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        for path in [temporary, *temporary.rglob("*")]:
            sync_folder(path) if path.is_dir() else sync_file(path)
        _put(temporary, target, keep_first)
        sync_folder(target.parent)
    except OSError as error:
        raise RunError(f"could not write {target}: {why(error)}; {_disk_hint(target)}") from error
    finally:
        remove(temporary)


def _put(temporary: Path, target: Path, keep_first: bool) -> None:
    if not temporary.is_dir():
        temporary.replace(target)
        return
    try:
        temporary.rename(target)
    except OSError:
        if not target.is_dir() or not any(target.iterdir()):
            raise
        if keep_first:
            return
        aside = target.with_name(_temporary_name(_REMOVED, target))
        target.rename(aside)
        temporary.rename(target)
        shutil.rmtree(aside, ignore_errors=True)


def write_text(target: Path, text: str) -> None:
    """Write a whole UTF-8 text file atomically."""
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_array(path: Path, array: Any) -> None:
    """Write a numpy array as ``.npy``.

    ``np.save`` to a file closes it in C and does not hear that the disk refused the last buffer; here each
    byte goes through Python's stream, which raises.

    Raises:
        OSError: the disk refuses.
    """
    import numpy as np

    with path.open("wb") as stream:
        plain: Any = SimpleNamespace(write=stream.write)
        np.save(plain, array)


def remove(path: Path) -> None:
    """Remove a file or a folder if it is there; a folder is gone at once or not at all."""
    if path.is_dir() and not path.is_symlink():
        aside = path
        if not is_leftover(path.name):
            aside = path.with_name(_temporary_name(_REMOVED, path))
            path.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        # Below a file there is nothing to remove.
        with contextlib.suppress(NotADirectoryError):
            path.unlink(missing_ok=True)


def remove_partials(folder: Path) -> None:
    """Remove what killed processes left half written or half removed in ``folder``.

    What another process of this machine is writing there stays.
    """
    for path in [*folder.glob(f"{_PARTIAL}*"), *folder.glob(f"{_REMOVED}*")]:
        if not _is_at_work(path.name.split("-")[1]):
            remove(path)


def is_leftover(name: str) -> bool:
    """Whether a file's or folder's name is that of something half written or half removed."""
    return name.startswith((_PARTIAL, _REMOVED))


def regular(path: Path) -> Path:
    """``path``, if a regular file is there: one would wait for a pipe, and read a device, without end.

    Raises:
        OSError: there is none, or something else.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return path


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, hexadecimal, as ``sha256sum`` prints it.

    Raises:
        OSError: there is no regular file, or it cannot be read.
    """
    with regular(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values with a ``checksum`` of their own, last."""
    # As they will be read: keys are text then, and sort as such.
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return {**plain, _SEAL: _seal_of(plain)}


def is_whole(values: Mapping[str, Any]) -> bool:
    """Whether the values are those that :func:`sealed` was given; false where there is no checksum."""
    return values.get(_SEAL) == _seal_of({key: value for key, value in values.items() if key != _SEAL})


def why(error: BaseException) -> str:
    """The system's reason for an error, without its number and the file's name."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _seal_of(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _temporary_name(prefix: str, target: Path) -> str:
    # The process, so that others know whether it is still at work; a random part, since it may have threads.
    return f"{prefix}{os.getpid()}-{uuid.uuid4().hex[:8]}-{target.name}"


def _is_at_work(pid: str) -> bool:
    """Whether another process of this machine has this number; what ours left behind is not in use."""
    if not pid.isdigit() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _disk_hint(target: Path) -> str:
    there = next((folder for folder in target.absolute().parents if folder.is_dir()), None)
    if there is None:
        return "nothing was left half written"
    free = shutil.disk_usage(there).free / 2**20
    return f"{free:,.0f} MiB are free there, and nothing was left half written"
