"""Where what is derived from a corpus is kept, keyed by content, so that it is derived once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vicreg_core.files import atomic_path, is_whole, remove, sealed, why

_CONTENTS = "contents.json"
_checked: dict[Path, tuple[int, ...]] = {}


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
    return digest_of(content)


def digest_of(content: bytes) -> str:
    """A 128-bit hexadecimal hash of bytes."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def file_digest(path: Path) -> str:
    """A hash of a file's content, read in a stream."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def cached_folder(kind: str, key: str, write: Callable[[Path], None]) -> Path:
    """The folder of one derived thing; ``write(folder)`` fills it the first time.

    The folder appears whole or not at all, and the first whole one stays, so a killed run leaves nothing half
    derived and processes that derive the same thing at once do no harm. It is checked against the list of
    its files when it is opened. A damaged one is left out with a warning, derived anew beside its place, and
    only then removed, so that nobody loses a folder that was just returned.

    Raises:
        RunError: when the disk refuses.
    """
    shelf = cache_root() / "text" / kind
    places = sorted(shelf.glob(f"{key}.*"), key=_turn)
    damaged = []
    for place in places:
        problem = _problem(place)
        if problem is None:
            return place
        damaged.append(place)
        warnings.warn(f"{kind} kept in {place} are damaged ({problem}); deriving them anew", stacklevel=2)
    target = shelf / f"{key}.{_turn(places[-1]) + 1 if places else 0}"
    with atomic_path(target, keep_first=True) as temporary:
        temporary.mkdir()
        write(temporary)
        files = {path.name: [path.stat().st_size, _checksum(path)] for path in temporary.iterdir()}
        (temporary / _CONTENTS).write_text(json.dumps(sealed({"files": files})), encoding="utf-8")
    for place in damaged:
        with contextlib.suppress(OSError):
            remove(place)
    return target


def _turn(place: Path) -> int:
    """How often a thing had been derived before, by the name of its folder."""
    number = place.suffix[1:]
    return int(number) if number.isdecimal() else -1


def _problem(folder: Path) -> str | None:
    """Why a folder is not what was written, or ``None``; content that was checked is not read again."""
    try:
        contents = json.loads((folder / _CONTENTS).read_text(encoding="utf-8"))
        if not isinstance(contents, dict) or not is_whole(contents):
            return f"{_CONTENTS} is not what was written"
        for name, (size, checksum) in contents["files"].items():
            path = folder / name
            status = path.stat()
            state = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            if status.st_size != size:
                return f"{name} holds {status.st_size:,} of {size:,} bytes"
            if _checked.get(path) != state:
                if _checksum(path) != checksum:
                    return f"the checksum of {name} is another"
                _checked[path] = state
    except OSError as error:
        return f"{Path(error.filename or folder).name}: {why(error)}"
    except (ValueError, RecursionError):
        return f"{_CONTENTS} cannot be read"
    return None


def _checksum(path: Path) -> int:
    """The CRC-32 of a file: it need not withstand an enemy, and must be fast on gigabytes of tokens."""
    checksum = 0
    with path.open("rb") as stream:
        while part := stream.read(1 << 20):
            checksum = zlib.crc32(part, checksum)
    return checksum
