from __future__ import annotations

import os
from pathlib import Path

import pytest

from vicreg_core.errors import DataError
from vicreg_text.datasets import folder
from vicreg_text.datasets.adapter import TextDataset
from vicreg_text.datasets.config import FolderConfig
from vicreg_text.tokens.config import TokenizerConfig

SMALL = TokenizerConfig(vocab_size=400)


def test_folder(tmp_path: Path) -> None:
    for label in ("b", "a"):
        (tmp_path / label / "deep").mkdir(parents=True)
        for i in range(3):
            (tmp_path / label / "deep" / f"{i}.txt").write_text(f"{label} text number {i}\nsecond line")
    data = folder.build(FolderConfig(train=str(tmp_path), tokenizer=SMALL), "train")
    assert data is not None
    assert data.classes == ("a", "b")
    assert next(iter(data.ids)) == "a/deep/0.txt"
    assert folder.build(FolderConfig(train=str(tmp_path), tokenizer=SMALL), "test") is None
    (tmp_path / "a" / "empty.txt").touch()
    with pytest.raises(DataError, match=r"a/empty\.txt: .* is empty"):
        folder.build(FolderConfig(train=str(tmp_path), tokenizer=SMALL), "train")
    with pytest.raises(DataError, match="is not a folder"):
        folder.build(FolderConfig(train=str(tmp_path / "none"), tokenizer=SMALL), "train")


def open_folder(root: Path) -> TextDataset:
    data = folder.build(FolderConfig(train=str(root), tokenizer=SMALL), "train")
    assert data is not None
    return data


def test_what_leads_out_of_the_folder_is_left_out_and_listed(tmp_path: Path) -> None:
    root, secret = tmp_path / "root", tmp_path / "elsewhere"
    for place in (root / "a", root / "b", secret):
        place.mkdir(parents=True)
        for i in range(3):
            (place / f"{i}.txt").write_text(f"{place.name} text number {i}")
    (root / "a" / "out.txt").symlink_to(secret / "0.txt")
    (root / "c").symlink_to(secret)
    (root / "a" / "loop").symlink_to(root)
    (root / "a" / "gone.txt").symlink_to(root / "nothing")
    (root / "b" / "in.txt").symlink_to(root / "a" / "0.txt")
    os.mkfifo(root / "b" / "pipe.txt")
    data = open_folder(root)
    assert not any("elsewhere" in text for text in data.documents.texts())
    assert list(data.ids) == [
        *(f"a/{i}.txt" for i in range(3)),
        *(f"b/{i}.txt" for i in range(3)),
        "b/in.txt",
    ]
    assert data.classes == ("a", "b")
    said = {
        Path(line.split(": ")[0]).relative_to(root).as_posix(): line.split(": ")[1] for line in data.skipped
    }
    outside, special = "a link that leads out of the folder", "not a regular file"
    assert said == {"a/out.txt": outside, "c": outside, "a/gone.txt": special, "b/pipe.txt": special}
    assert open_folder(root).skipped == data.skipped


def test_a_folder_of_nothing_but_links_out(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "out.txt").write_text("a text")
    (tmp_path / "root" / "x.txt").symlink_to(tmp_path / "out.txt")
    with pytest.raises(DataError, match=r"no file that matches '\*\.txt'; left out: .*a link that leads out"):
        open_folder(tmp_path / "root")
