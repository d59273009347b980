from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.recipes.planted import GOOD, YOURS, planted_registry, write
from vicreg_core.errors import RecipeError
from vicreg_core.plugins.registry import Registry
from vicreg_core.recipes.catalogue import RecipeFile, find_recipe, shipped_recipes
from vicreg_core.recipes.copying import copy_recipe


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    folder = tmp_path / "shipped"
    write(folder / "good.yaml", GOOD)
    write(folder / "large" / "yours.yml", YOURS)
    write(folder / "notes.txt", "no recipe")
    return planted_registry(folder)


def refused(ref: str, registry: Registry) -> str:
    with pytest.raises(RecipeError) as caught:
        find_recipe(ref, registry).read()
    return str(caught.value)


def test_shipped_recipes_are_found_at_any_depth(registry: Registry) -> None:
    assert [file.label for file in shipped_recipes(registry)] == ["toy/good", "toy/large/yours"]


def test_a_name_and_a_path(registry: Registry, tmp_path: Path) -> None:
    assert find_recipe("toy/good", registry).read() == GOOD
    own = write(tmp_path / "own.yaml", YOURS)
    assert find_recipe(own.label, registry) == own


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert RecipeFile("bom", path).read() == GOOD


@pytest.mark.parametrize(
    ("ref", "part"),
    [
        ("toy/godo", "there is no recipe 'toy/godo'; did you mean 'toy/good'?"),
        ("good", "did you mean 'toy/good'?"),
        ("yours", "did you mean 'toy/large/yours'?"),
        ("nothing/like/it", "there is no recipe 'nothing/like/it'\nvicreg recipe list shows all"),
        ("wreck/quickstart", "ZeroDivisionError"),
        ("absent.yaml", "there is no file absent.yaml"),
        ("toy/good.yaml", "did you mean the shipped recipe 'toy/good'?"),
        (os.devnull, "expected a file that ends in .yaml"),
        ("no/folder/absent.yaml", "there is no file no/folder/absent.yaml (nor a folder no/folder)"),
    ],
)
def test_what_is_not_there(registry: Registry, ref: str, part: str) -> None:
    assert part in refused(ref, registry)


def test_a_misspelt_file_name(registry: Registry, tmp_path: Path) -> None:
    write(tmp_path / "mine.yaml", GOOD)
    assert "did you mean 'mine.yaml'?" in refused(str(tmp_path / "mien.yaml"), registry)


def test_a_folder_is_no_recipe_but_may_hold_one(registry: Registry, tmp_path: Path) -> None:
    assert "is a folder, not a recipe; give a file in it" in refused(str(tmp_path), registry)
    write(tmp_path / "run" / "recipe.yaml", GOOD)
    run = tmp_path / "run"
    assert f"its recipe is {run / 'recipe.yaml'}" in refused(str(run), registry)
    (tmp_path / "odd.yaml").mkdir()
    assert "is a folder, not a recipe" in refused(str(tmp_path / "odd.yaml"), registry)


def test_files_that_are_no_recipe(registry: Registry, tmp_path: Path) -> None:
    assert "expected a file that ends in .yaml" in refused(write(tmp_path / "a.txt", "x").label, registry)
    (tmp_path / "image.yaml").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    assert "not a UTF-8 text file (byte 0x89 at position 0)" in refused(
        str(tmp_path / "image.yaml"), registry
    )
    write(tmp_path / "large.yaml", "#" * 300_000)
    assert "larger than 256 KiB" in refused(str(tmp_path / "large.yaml"), registry)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(registry: Registry, tmp_path: Path) -> None:
    file = write(tmp_path / "secret.yaml", GOOD)
    file.path.chmod(0)
    assert "Permission denied" in refused(file.label, registry)


def test_a_copy_names_itself_in_its_commands(registry: Registry, tmp_path: Path) -> None:
    shipped = RecipeFile("toy/yours", find_recipe("toy/large/yours", registry).path)
    copy = copy_recipe(shipped, tmp_path / "my copy")
    assert copy == tmp_path / "my copy.yaml"
    first, *rest = copy.read_text().splitlines()
    assert first == f"# vicreg train '{copy}' data.path=photos; not toy/yours-too"
    assert rest == YOURS.splitlines()[1:]


def test_a_copy_never_replaces_a_file_unasked(registry: Registry, tmp_path: Path) -> None:
    there = write(tmp_path / "good.yaml", "precious")
    with pytest.raises(RecipeError, match="exists; give another name, or --force"):
        copy_recipe(find_recipe("toy/good", registry), tmp_path)
    assert there.read() == "precious"
    assert copy_recipe(find_recipe("toy/good", registry), tmp_path, force=True) == there.path
    assert "toy/conv" in there.read()


def test_a_copy_that_cannot_be_written(registry: Registry, tmp_path: Path) -> None:
    write(tmp_path / "file", "x")
    with pytest.raises(RecipeError, match="cannot write"):
        copy_recipe(find_recipe("toy/good", registry), tmp_path / "file" / "a.yaml")
