"""Files of a disk or an object store, by path or URL, through fsspec."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from vicreg_core.errors import DataError

T = TypeVar("T")

_TRIES, _FIRST_PAUSE = 4, 0.5
_FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
"""What trying again does not mend."""


@dataclass(frozen=True)
class Store:
    """One file system.

    Attributes:
        system: of fsspec.
        protocol: as in the URL; empty for local files.
    """

    system: Any
    protocol: str = ""

    def open(self, path: str) -> Any:
        """A seekable binary stream of a file.

        Raises:
            OSError: it is not there or may not be read.
        """
        return self.system.open(path, "rb")

    def shown(self, path: str) -> str:
        """A path as a user writes it."""
        return f"{self.protocol}://{path.lstrip('/')}" if self.protocol else path


def open_store(url: str, key: str) -> tuple[Store, str]:
    """The file system of a URL or path, and the path on it.

    Raises:
        DataError: no library for its kind is installed, or it refuses the address.
    """
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise DataError(f"{key}: {url}: {error}") from error
    # Stores' own libraries raise a dozen unrelated types for an address or credentials they refuse.
    except Exception as error:
        raise DataError(f"{key}: cannot open {url}: {error}") from error
    protocol = url.partition("://")[0] if "://" in url else ""
    return Store(system, "" if protocol in ("file", "local") else protocol), path


def found(key: str, patterns: tuple[str, ...]) -> list[tuple[Store, str]]:
    """The files that paths, URLs and glob patterns name, those of a pattern sorted.

    Raises:
        DataError: a pattern that no file matches, a folder, or a store that cannot be reached.
    """
    files = []
    for pattern in patterns:
        store, path = open_store(pattern, key)
        paths = patiently(lambda s=store, p=path: _matching(s.system, p), pattern, key)  # type: ignore[misc]
        if paths is None:
            raise DataError(
                f"{key}: {pattern} is a folder; name its shards, e.g. {pattern.rstrip('/')}/*.tar"
            )
        if not paths:
            raise DataError(f"{key}: no file matches {pattern!r}")
        files += [(store, each) for each in paths]
    return files


def _matching(system: Any, path: str) -> list[str] | None:
    """Sorted; ``None`` for a folder."""
    if any(sign in path for sign in "*?["):
        return sorted(str(each) for each in system.glob(path) if not system.isdir(each))
    if system.isdir(path):
        return None
    return [path] if system.exists(path) else []


def patiently(action: Callable[[], T], what: str, key: str = "data") -> T:
    """The result of something that a network may fail, tried again with longer and longer pauses.

    Raises:
        DataError: it failed each time, or for a reason that does not pass.
    """
    pause = _FIRST_PAUSE
    for tries in range(1, _TRIES + 1):
        try:
            return action()
        except DataError:
            raise
        # Stores' own libraries raise a dozen unrelated types for a network that fails.
        except Exception as error:
            if type(error).__module__ == "builtins" and not isinstance(error, OSError | EOFError):
                raise  # a mistake of ours
            if tries == _TRIES or isinstance(error, _FINAL):
                again = f" (tried {tries} times)" if tries > 1 else ""
                raise DataError(
                    f"{key}: cannot read {what}: {error or type(error).__name__}{again}"
                ) from error
            time.sleep(pause)
            pause *= 2
    raise AssertionError
