"""Reading back what a run leaves behind: one way, and one kind of error, for every command.

``evaluation.json``, ``environment.json`` and ``report-data.json`` carry a checksum of their content, so that
a number that changed on the disk is never shown as one that was measured.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vicreg_core.errors import RecipeError, RunError
from vicreg_core.files import is_whole, remove, sealed, why, write_text
from vicreg_core.recipes.catalogue import RecipeFile

_SEAL = "checksum"


class DamagedFile(RunError):
    """A file of a run that is not what was written."""


def write_sealed(path: Path, values: Mapping[str, Any], *, indent: int | None = 2) -> None:
    """Write JSON values with a checksum of their own, whole or not at all.

    Raises:
        RunError: when the disk refuses.
        ValueError: a number is not finite.
    """
    separators = None if indent else (",", ":")
    text = json.dumps(sealed(values), indent=indent, separators=separators, allow_nan=False)
    write_text(path, text + "\n")


def read_sealed(path: Path) -> dict[str, Any] | None:
    """The values that :func:`write_sealed` was given; ``None`` where there is no file.

    Raises:
        DamagedFile: it is not what was written.
    """
    if not _is_there(path):
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedFile(f"{path} is damaged: {why(error)}") from error
    if not isinstance(values, dict) or not is_whole(values):
        raise DamagedFile(f"{path} is damaged: its checksum does not fit its content")
    return {key: value for key, value in values.items() if key != _SEAL}


def read_log(path: Path) -> str:
    """The text of ``train.log``, bytes that are no UTF-8 replaced; empty where there is no such file."""
    try:
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    except OSError:
        return ""


def read_recipe_text(run: Path) -> str:
    """The text of a run's ``recipe.yaml``.

    Raises:
        RunError: the folder is no run, or the file is damaged.
    """
    path = run / "recipe.yaml"
    if not path.is_file():
        raise RunError(f"{run} is not a run: it has no recipe.yaml; give a folder that vicreg train wrote")
    try:
        return RecipeFile(str(path), path).read()
    except RecipeError as error:
        raise DamagedFile(f"{error}; take it from a copy of the run") from error


def set_aside(path: Path) -> Path:
    """Rename what is damaged to ``damaged-<name>`` beside it, in place of an earlier one, and return that."""
    aside = path.with_name(f"damaged-{path.name}")
    remove(aside)
    path.rename(aside)
    return aside


def _is_there(path: Path) -> bool:
    """Whether there is a file.

    Raises:
        DamagedFile: there is something else, such as a folder or a pipe.
    """
    if path.is_file():
        return True
    if path.exists() or path.is_symlink():
        raise DamagedFile(f"{path} is not a file; remove it")
    return False
