"""Finding the image files below a folder."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from vicreg_core.data.paths import walk_files
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
        outside: how many links lead out of the folder and were left out.
    """

    paths: list[str]
    others: Counter[str]
    outside: int = 0

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


def find_images(root: Path, follow: bool = False) -> Found:
    """All image files below ``root``, hidden files and folders left out.

    Symbolic links inside the folder are followed; a folder reached a second time, as in a loop, is not
    entered again.

    Args:
        root: an existing folder.
        follow: also follow links that lead out of it.

    Raises:
        DataError: for a folder that may not be listed.
    """
    paths: list[str] = []
    others: Counter[str] = Counter()
    outside: list[Path] = []
    for path in walk_files(root, outside, follow=follow, visible=_visible):
        suffix = path.suffix.lower()
        if suffix in IMAGE_SUFFIXES:
            paths.append(path.relative_to(root).as_posix())
        else:
            others[suffix or "no suffix"] += 1
    return Found(sorted(paths), others, len(outside))


def image_folder(root: Path, key: str, follow: bool = False) -> Found:
    """:func:`find_images` of a folder that must hold some.

    Raises:
        DataError: saying what lies there instead.
    """
    found = find_images(root, follow)
    if found.paths:
        return found
    kinds = found.listing()
    if found.outside:
        raise DataError(
            f"{key}: no image below {root}, but {found.outside} link(s) that lead out of it; if they are "
            "meant, set data.links=follow"
        )
    raise DataError(
        f"{key}: no image below {root} ({f'other files there: {kinds}' if kinds else 'it holds no file'}). "
        f"Images end in {', '.join(sorted(IMAGE_SUFFIXES))}"
    )


def _visible(name: str) -> bool:
    return not name.startswith(".") and name not in _CLUTTER
