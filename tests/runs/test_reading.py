"""Sealed files are read as they were written, or said to be damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vicreg_core.errors import RunError
from vicreg_core.runs.reading import (
    DamagedFile,
    read_log,
    read_recipe_text,
    read_sealed,
    set_aside,
    write_sealed,
)

VALUES = {"accuracy": 0.525, "by_k": {"1": 0.5, "20": None}, "names": ["a", "ü"]}


def test_round_trip(tmp_path: Path):
    path = tmp_path / "evaluation.json"
    assert read_sealed(path) is None
    write_sealed(path, VALUES)
    assert read_sealed(path) == VALUES
    write_sealed(path, {1: "whole numbers become text", 10: 2, 2: 3})  # type: ignore[dict-item]
    assert read_sealed(path) == {"1": "whole numbers become text", "10": 2, "2": 3}


def a_changed_digit(path: Path) -> None:
    path.write_text(path.read_text().replace("0.525", "0.625"))


def a_list(path: Path) -> None:
    path.write_text("[]")


def no_utf8(path: Path) -> None:
    path.write_bytes(b"\xff" + path.read_bytes())


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


def nested(path: Path) -> None:
    path.write_text("[" * 200_000)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("damage", [a_changed_digit, a_list, no_utf8, cut, nested, a_folder, a_pipe])
def test_damage_is_seen_and_set_aside(tmp_path: Path, damage):
    path = tmp_path / "evaluation.json"
    write_sealed(path, VALUES)
    damage(path)
    with pytest.raises(DamagedFile, match=r"evaluation\.json"):
        read_sealed(path)
    assert set_aside(path) == tmp_path / "damaged-evaluation.json"
    assert read_sealed(path) is None


def test_a_log_is_read_whatever_it_holds(tmp_path: Path):
    assert read_log(tmp_path / "train.log") == ""
    (tmp_path / "train.log").write_bytes(b"2026 \xff said")
    assert "said" in read_log(tmp_path / "train.log")
    assert read_log(tmp_path) == ""


def test_a_recipe_that_is_not_there_or_not_text(tmp_path: Path):
    with pytest.raises(RunError, match="is not a run"):
        read_recipe_text(tmp_path)
    (tmp_path / "recipe.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(DamagedFile, match="take it from a copy"):
        read_recipe_text(tmp_path)
