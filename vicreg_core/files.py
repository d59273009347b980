"""Files that are either whole or not there: written beside their place, flushed to disk, then renamed."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from vicreg_core.errors import RunError


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
def atomic_path(target: Path) -> Iterator[Path]:
    """A temporary sibling of ``target`` to write to; renamed over it on success, removed on failure.

    The temporary keeps ``target``'s suffix, for writers that choose their format by it. Whatever is made
    at the yielded path, a file or a folder, takes the place of ``target`` whole.

    Raises:
        RunError: when the disk refuses (full, read-only, no permission); ``target`` is then untouched.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".partial-{os.getpid()}-{target.name}")
    remove(temporary)
    try:
        yield temporary
        files = [p for p in temporary.rglob("*") if p.is_file()] if temporary.is_dir() else [temporary]
        for path in files:
            sync_file(path)
        if temporary.is_dir() and target.is_dir():
            remove(target)
        temporary.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        reason = error.strerror or error
        raise RunError(f"could not write {target}: {reason}; {_disk_hint(target)}") from error
    finally:
        remove(temporary)


def write_text(target: Path, text: str) -> None:
    """Write a whole UTF-8 text file atomically."""
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def remove(path: Path) -> None:
    """Remove a file or a folder if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def remove_partials(folder: Path) -> None:
    """Remove what a killed process left half written in ``folder``."""
    for path in folder.glob(".partial-*"):
        remove(path)


def _disk_hint(target: Path) -> str:
    free = shutil.disk_usage(target.parent).free / 2**20
    return f"{free:,.0f} MiB are free there, and nothing was left half written"
