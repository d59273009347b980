"""Locks between processes: one trainer a run, one writer of a file.

A lock is a byte-range lock of the system (``fcntl.lockf``): it ends with its owner, however that ends, is not
inherited by loader workers, and works on network file systems that offer it. What a file system or a system
without such locks lets happen is said, not hidden.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from vicreg_core.errors import RunError
from vicreg_core.files import why

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NAME = ".lock"
"""Of a run's lock, in its folder; it stays there, empty, since removing it would let two in."""

_held: set[str] = set()
"""Locks of this process: the system's keep out other processes only."""
_free = threading.Condition()
"""Guards them, and tells when one ends."""


@contextlib.contextmanager
def run_lock(run: Path, say: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Keep other trainers out of a run's folder.

    Args:
        run: the folder, which exists.
        say: told where the folder cannot be locked.

    Raises:
        RunError: another process trains there; the message names it.
    """
    with contextlib.ExitStack() as stack:
        try:
            stream = stack.enter_context(_locked(run / NAME, wait=False))
        except _HeldHereError as error:
            raise RunError(f"{run} is being trained into by this very process; {_advice(run)}") from error
        except BlockingIOError as error:
            raise RunError(f"{run} is being trained into by {_owner(run / NAME)}; {_advice(run)}") from error
        except _CannotLockError as error:
            say(f"warning: {run} cannot be locked ({error}); see to it that nothing else trains into it")
        else:
            _write_owner(stream)
            stack.callback(_write, stream, "")
        yield


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Wait for, and hold, the right to read, change and write ``path``; the lock lies beside it, hidden.

    Where the file system has no locks it is held all the same: the last writer then wins, as without it.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(_CannotLockError, OSError):
            stack.enter_context(_locked(path.with_name(f".{path.name}{NAME}"), wait=True))
        yield


class _CannotLockError(Exception):
    """The file system, or the system, has no such locks."""


class _HeldHereError(Exception):
    """This process holds the lock already."""


@contextlib.contextmanager
def _locked(path: Path, *, wait: bool) -> Iterator[int]:
    """The descriptor of a lock, held."""
    if fcntl is None:
        raise _CannotLockError("this system has no file locks")
    with _claimed(os.path.realpath(path), wait=wait):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        try:
            _lock(descriptor, wait=wait)
            yield descriptor
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _claimed(name: str, *, wait: bool) -> Iterator[None]:
    """The right of this thread to open a lock.

    The system's locks belong to the process, and all of them on a file end when any descriptor of it closes:
    what this process holds must not be opened a second time, not even to read who holds it.
    """
    with _free:
        if not wait and name in _held:
            raise _HeldHereError
        _free.wait_for(lambda: name not in _held)
        _held.add(name)
    try:
        yield
    finally:
        with _free:
            _held.discard(name)
            _free.notify_all()


def _lock(descriptor: int, *, wait: bool) -> None:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno in {errno.EACCES, errno.EAGAIN}:
            raise BlockingIOError(error.errno, why(error)) from error
        raise _CannotLockError(why(error)) from error


def _write_owner(stream: int) -> None:
    owner = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        "command": " ".join(sys.argv)[:500],
    }
    _write(stream, json.dumps(owner))


def _write(stream: int, text: str) -> None:
    with contextlib.suppress(OSError):
        os.ftruncate(stream, 0)
        os.pwrite(stream, text.encode(), 0)


def _owner(path: Path) -> str:
    """Who wrote itself into the lock, in words."""
    try:
        owner: Any = json.loads(path.read_text(encoding="utf-8"))
        return f"process {owner['pid']} on {owner['host']} since {owner['since']} ({owner['command']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _advice(run: Path) -> str:
    return f"wait for it or stop it, or train into another --out; vicreg report {run} shows how far it is"
