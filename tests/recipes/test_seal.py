"""A recipe that a run keeps is read only as it was written, or as its user edited it knowingly."""

from __future__ import annotations

from pathlib import Path

import pytest

from vicreg_core.errors import RecipeError
from vicreg_core.recipes.catalogue import RecipeFile
from vicreg_core.recipes.copying import copy_recipe
from vicreg_core.recipes.seal import is_sealed_whole, seal, unsealed

TEXT = "seed: 1\ntrain:\n  batch_size: 256\n"


@pytest.fixture
def kept(tmp_path: Path) -> RecipeFile:
    path = tmp_path / "recipe.yaml"
    path.write_text(seal(TEXT), encoding="utf-8")
    return RecipeFile(str(path), path)


def test_it_is_read_as_it_was_sealed(kept: RecipeFile):
    assert unsealed(kept.read()) == TEXT
    assert kept.path.read_text(encoding="utf-8").count("\n") == TEXT.count("\n") + 1


@pytest.mark.parametrize("place", range(seal(TEXT).index("\n") + 1, len(seal(TEXT)), 5))
def test_a_flipped_bit_is_refused_wherever_it_is(kept: RecipeFile, place: int):
    content = bytearray(kept.path.read_bytes())
    content[place] ^= 1
    kept.path.write_bytes(content)
    with pytest.raises(RecipeError, match="is not what a run wrote"):
        kept.read()


def test_an_edit_is_refused_until_the_line_is_deleted(kept: RecipeFile):
    edited = kept.path.read_text(encoding="utf-8").replace("size: 256", "size: 128")
    kept.path.write_text(edited, encoding="utf-8")
    with pytest.raises(RecipeError, match="delete that line"):
        kept.read()
    kept.path.write_text(unsealed(edited), encoding="utf-8")
    assert "128" in kept.read()


def test_a_copy_for_editing_has_no_seal(kept: RecipeFile, tmp_path: Path):
    copied = copy_recipe(kept, tmp_path / "mine.yaml")
    assert is_sealed_whole(copied.read_text(encoding="utf-8"))
    assert "sha256" not in copied.read_text(encoding="utf-8")
