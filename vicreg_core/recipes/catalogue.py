"""Finding recipes: those that plugins ship, by name, and a user's own, by path."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vicreg_core.errors import RecipeError
from vicreg_core.plugins.registry import Registry
from vicreg_core.plugins.suggest import did_you_mean
from vicreg_core.recipes.seal import is_sealed_whole

SUFFIXES = (".yaml", ".yml")
_LARGEST = 256 * 1024


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """A recipe that exists.

    Attributes:
        label: what its user calls it: a shipped name such as ``vision/quickstart``, or the path as given.
        path: the file.
    """

    label: str
    path: Path

    def read(self) -> str:
        """The text of the file.

        Raises:
            RecipeError: it cannot be read, or is not text, or too large to be a recipe, or not what the run
                that keeps it wrote.
        """
        try:
            with self.path.open("rb") as stream:
                content = stream.read(_LARGEST + 1)
        except OSError as error:
            raise RecipeError(f"cannot read the recipe {self.path}: {error.strerror}") from error
        if len(content) > _LARGEST:
            raise RecipeError(f"{self.path} is larger than {_LARGEST // 1024} KiB; is it a recipe?")
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise RecipeError(
                f"{self.path} is not a UTF-8 text file (byte 0x{content[error.start]:02x} at position "
                f"{error.start}); is it a recipe?"
            ) from error
        if not is_sealed_whole(text):
            raise RecipeError(
                f"{self.path} is not what a run wrote: the checksum in its first line does not fit the rest. "
                "Where you edited it, delete that line; where it is damaged, vicreg train with the recipe "
                "that the run was started with, --out and --resume writes it anew"
            )
        return text


def shipped_recipes(registry: Registry) -> list[RecipeFile]:
    """The recipes of all usable plugins, by name."""
    return [
        RecipeFile(f"{namespace}/{path.relative_to(folder).with_suffix('').as_posix()}", path)
        for namespace, folder in sorted(registry.recipe_folders().items())
        for path in recipe_files(folder)
    ]


def recipe_files(folder: Path) -> list[Path]:
    """The YAML files of a folder and of those inside it, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())


def find_recipe(ref: str, registry: Registry) -> RecipeFile:
    """The recipe a user means: a path where ``ref`` ends in ``.yaml``, else a shipped name.

    Raises:
        RecipeError: there is none; says what is there instead.
    """
    path = Path(ref)
    if path.suffix in SUFFIXES and path.is_file():
        return RecipeFile(ref, path)
    shipped = {recipe.label: recipe for recipe in shipped_recipes(registry)}
    if path.suffix in SUFFIXES:
        raise RecipeError(_why_no_file(path, list(shipped)))
    if ref in shipped:
        return shipped[ref]
    if path.is_dir():
        inside = path / "recipe.yaml"
        advice = f"; its recipe is {inside}" if inside.is_file() else "; give a file in it"
        raise RecipeError(f"{ref} is a folder, not a recipe{advice}")
    if path.exists():
        raise RecipeError(f"{ref} is not a recipe: expected a file that ends in .yaml")
    raise RecipeError(_why_absent(ref, list(shipped), registry))


def _why_no_file(path: Path, names: list[str]) -> str:
    if path.is_dir():
        return f"{path} is a folder, not a recipe; give a file in it"
    if path.exists():
        return f"{path} is not a regular file"
    if (name := path.with_suffix("").as_posix()) in names:
        return f"there is no file {path}; did you mean the shipped recipe {name!r}?"
    folder = path.parent
    if not folder.is_dir():
        return f"there is no file {path} (nor a folder {folder})"
    return f"there is no file {path}{did_you_mean(path.name, [each.name for each in folder.iterdir()])}"


def _why_absent(ref: str, names: list[str], registry: Registry) -> str:
    namespace = ref.partition("/")[0]
    if problem := registry.problem_of(namespace):
        return f"recipe {ref!r} cannot be found: {problem}"
    near = did_you_mean(ref, names) or did_you_mean(f"{namespace}/{namespace}", names)
    by_last_part = [name for name in names if name.rpartition("/")[2] == ref]
    if by_last_part:
        near = f"; did you mean {' or '.join(map(repr, by_last_part))}?"
    return f"there is no recipe {ref!r}{near}\nvicreg recipe list shows all; a file of your own ends in .yaml"
