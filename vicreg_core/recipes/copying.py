"""Copies of shipped recipes to edit."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from vicreg_core.errors import RecipeError
from vicreg_core.recipes.catalogue import SUFFIXES, RecipeFile
from vicreg_core.recipes.seal import unsealed


def copy_recipe(recipe: RecipeFile, destination: Path | None, *, force: bool = False) -> Path:
    """Copy a recipe; where its comments give commands that name it, they name the copy.

    Args:
        recipe: what to copy.
        destination: a file, ``.yaml`` added where it has no suffix of YAML, or a folder that exists;
            default: the recipe's last name in the working directory.
        force: replace a file that is there.

    Returns:
        The copy.

    Raises:
        RecipeError: the file exists and ``force`` is not given, or cannot be written.
    """
    target = destination or Path()
    if target.is_dir():
        target = target / f"{recipe.path.stem}.yaml"
    elif target.suffix not in SUFFIXES:
        target = target.with_name(f"{target.name}.yaml")
    text = _renamed(unsealed(recipe.read()), recipe.label, shlex.quote(str(target)))
    if target.exists() and not force:
        raise RecipeError(f"{target} exists; give another name, or --force to replace it")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise RecipeError(f"cannot write {target}: {error.strerror}") from error
    return target


def _renamed(text: str, name: str, new: str) -> str:
    whole_name = re.compile(rf"(?<![\w./-]){re.escape(name)}(?![\w/-])")
    lines = text.splitlines(keepends=True)
    return "".join(whole_name.sub(lambda _: new, line) if line.startswith("#") else line for line in lines)
