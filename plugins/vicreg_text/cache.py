"""Where what is derived from a corpus is kept, keyed by content, so that it is derived once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vicreg_core.files import atomic_path


def cache_root() -> Path:
    """The cache folder: ``VICREG_CACHE``, else ``vicreg`` in the user's cache folder."""
    if named := os.environ.get("VICREG_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vicreg"


def key_of(*parts: Any) -> str:
    """A 128-bit hexadecimal key of JSON values.

    >>> key_of("a", 1) == key_of("a", 1), key_of("a", 1) == key_of("a", 2), len(key_of())
    (True, False, 32)
    """
    content = json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def file_digest(path: Path) -> str:
    """A hash of a file's content, read in a stream."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def cached_folder(kind: str, key: str, write: Callable[[Path], None]) -> Path:
    """The folder of one derived thing; ``write(folder)`` fills it the first time.

    The folder appears whole or not at all, so a killed run leaves nothing half derived and processes that
    derive the same thing at once do no harm.

    Raises:
        RunError: when the disk refuses.
    """
    target = cache_root() / "text" / kind / key
    if not target.is_dir():
        with atomic_path(target) as temporary:
            temporary.mkdir()
            write(temporary)
    return target
