"""Which files a recipe's key means."""

from __future__ import annotations

import glob
from pathlib import Path

from vicreg_core.data.paths import regular_file
from vicreg_core.errors import DataError


def find_files(key: str, patterns: tuple[str, ...], folder_advice: str) -> list[Path]:
    """Regular files by path or glob pattern, in the order of the patterns, those of one pattern sorted.

    Args:
        key: the recipe key that names them, for messages.
        patterns: paths or glob patterns; ``~`` is expanded.
        folder_advice: what to use for a folder, for the message.

    Raises:
        DataError: for a folder, a pattern that no file matches, or what is no regular file.
    """
    return [path for pattern in patterns for path in _matching(key, pattern, folder_advice)]


def _matching(key: str, pattern: str, folder_advice: str) -> list[Path]:
    path = Path(pattern).expanduser()
    if path.is_dir():
        raise DataError(
            f"{key}: {path} is a folder; name files, e.g. {path / '*.parquet'}, or {folder_advice}"
        )
    if path.exists() or not glob.has_magic(pattern):
        return [regular_file(path, key)]
    found = (Path(match) for match in sorted(glob.glob(str(path), recursive=True)))
    files = [regular_file(match, key) for match in found if not match.is_dir()]
    if not files:
        raise DataError(f"{key}: no file matches {pattern!r} (looked from {Path.cwd()})")
    return files
