"""Finding the image files below a folder."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from vicreg_core.errors import DataError

IMAGE_SUFFIXES = frozenset(
    {
        ".avif",
        ".bmp",
        ".gif",
        ".jfif",
        ".jpe",
        ".jpeg",
        ".jpg",
        ".pbm",
        ".pgm",
        ".png",
        ".pnm",
        ".ppm",
        ".tif",
    }
    | {".tiff", ".webp"}
)

_CLUTTER = ("__MACOSX", "Thumbs.db", "desktop.ini")
"""What operating systems leave behind."""


@dataclass(frozen=True, slots=True)
class Found:
    """The image files below a folder.

    Attributes:
        paths: relative to the folder, with forward slashes, sorted by code point.
        others: how many files of each suffix were passed over.
    """

    paths: list[str]
    others: Counter[str]

    def listing(self) -> str:
        """The commonest suffixes of the other files, with their counts."""
        return ", ".join(f"{count} {suffix}" for suffix, count in self.others.most_common(5))


def existing_folder(path: str, key: str) -> Path:
    """``path`` with ``~`` expanded.

    Raises:
        DataError: naming the recipe key, where there is no such folder.
    """
    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise DataError(f"{key}: {path} is a file, expected a folder of images")
    above = next(parent for parent in folder.absolute().parents if parent.is_dir())
    inside = sorted(entry.name for entry in above.iterdir() if entry.is_dir() and _visible(entry.name))
    near = get_close_matches(folder.name, inside, n=1)
    if near:
        raise DataError(f"{key}: there is no folder {path}; did you mean {above / near[0]}?")
    listing = ", ".join(inside[:10]) + (", ..." if len(inside) > 10 else "") if inside else "no folder"
    raise DataError(
        f"{key}: there is no folder {path} (working directory {Path.cwd()}); {above} holds {listing}"
    )


def find_images(root: Path) -> Found:
    """All image files below ``root``, hidden files and folders left out.

    Symbolic links are followed; a folder reached a second time, as in a loop, is not entered again.

    Raises:
        DataError: for a folder that may not be listed.
    """
    paths: list[str] = []
    others: Counter[str] = Counter()
    entered: set[tuple[int, int]] = set()
    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=_refuse):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in entered:
            subfolders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        subfolders[:] = sorted(filter(_visible, subfolders))
        relative = Path(folder).relative_to(root)
        for name in filter(_visible, names):
            suffix = os.path.splitext(name)[1].lower()
            if suffix in IMAGE_SUFFIXES:
                paths.append((relative / name).as_posix())
            else:
                others[suffix or "no suffix"] += 1
    return Found(sorted(paths), others)


def image_folder(root: Path, key: str) -> Found:
    """:func:`find_images` of a folder that must hold some.

    Raises:
        DataError: saying what lies there instead.
    """
    found = find_images(root)
    if found.paths:
        return found
    kinds = found.listing()
    raise DataError(
        f"{key}: no image below {root} ({f'other files there: {kinds}' if kinds else 'it holds no file'}). "
        f"Images end in {', '.join(sorted(IMAGE_SUFFIXES))}"
    )


def _visible(name: str) -> bool:
    return not name.startswith(".") and name not in _CLUTTER


def _refuse(error: OSError) -> None:
    raise DataError(f"cannot list the folder {error.filename}: {error.strerror}") from error
