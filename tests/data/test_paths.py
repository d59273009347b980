"""Files of users: what is read, what is refused, and what is left out and counted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vicreg_core.data.paths import files_below, inside, is_inside, regular_file, require_size
from vicreg_core.errors import DataError


def test_a_regular_file_and_a_link_to_one_are_read(tmp_path: Path):
    file = tmp_path / "a.csv"
    file.write_text("x")
    link = tmp_path / "b.csv"
    link.symlink_to(file)
    assert regular_file(file) == file
    assert regular_file(str(link)) == link


def test_a_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.csv").write_text("x")
    assert regular_file("~/a.csv") == tmp_path / "a.csv"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: os.mkfifo(path), "is a named pipe, expected a file"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device, expected a file"),
        (lambda path: path.mkdir(), "is a folder, expected a file"),
        (lambda path: path.symlink_to(path), "cannot read"),
    ],
)
def test_what_is_no_regular_file_is_refused(tmp_path: Path, make, words: str):
    path = tmp_path / "table.csv"
    make(path)
    with pytest.raises(DataError, match=words) as refused:
        regular_file(path, "data.path")
    assert str(refused.value).startswith("data.path: ")


def test_a_misspelt_name_is_hinted_at(tmp_path: Path):
    (tmp_path / "reviews.csv").write_text("x")
    with pytest.raises(DataError, match=r"did you mean .*reviews\.csv\?"):
        regular_file(tmp_path / "review.csv")
    with pytest.raises(DataError, match="looked from"):
        regular_file(tmp_path / "nowhere" / "x.csv")


def test_names_out_of_data_stay_below_their_root(tmp_path: Path):
    root, secret = tmp_path / "root", tmp_path / "secret.txt"
    root.mkdir()
    secret.write_text("s")
    (root / "out").symlink_to(secret)
    (root / "a").write_text("a")
    (root / "in").symlink_to(root / "a")
    assert inside(root, "a", "row 1") == root / "a"
    assert inside(root, "in", "row 1") == root / "in"
    for name in ("../secret.txt", str(secret), "out", "a/../../secret.txt", "a\x00b"):
        with pytest.raises(DataError, match=r"row 1 names .* leads out of"):
            inside(root, name, "row 1")


def test_a_sibling_whose_name_begins_alike_is_not_inside(tmp_path: Path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root2").mkdir()
    assert not is_inside(tmp_path / "root", tmp_path / "root2" / "x")


def test_files_below_leaves_out_what_leads_away_and_says_so(tmp_path: Path):
    root, other = tmp_path / "root", tmp_path / "other"
    (root / "sub").mkdir(parents=True)
    other.mkdir()
    for path in (root / "b.txt", root / "sub" / "a.txt", root / ".hidden.txt", other / "secret.txt"):
        path.write_text("x")
    (root / "link.txt").symlink_to(other / "secret.txt")
    (root / "folder").symlink_to(other)
    (root / "loop").symlink_to(root)
    (root / "dangling.txt").symlink_to(root / "gone.txt")
    os.mkfifo(root / "pipe.txt")
    found = files_below(root, lambda path: path.suffix == ".txt")
    assert found.paths == [root / "b.txt", root / "sub" / "a.txt"]
    assert found.outside == [root / "folder", root / "link.txt"]
    assert found.special == [root / "dangling.txt", root / "pipe.txt"]
    assert len(found.left_out()) == 4


def test_a_size_beyond_the_limit_names_the_key_and_the_value_that_allows_it():
    require_size(256 << 20, 256, "a.png", "data.max_sample_mib")
    with pytest.raises(DataError, match=r"a\.png takes 300 MiB .* set data\.max_sample_mib=301") as refused:
        require_size((300 << 20) + 1, 256, "a.png", "data.max_sample_mib")
    assert "256 MiB" in str(refused.value)
    with pytest.raises(DataError, match=r"12\.0 GiB"):
        require_size(12 << 30, 4096, "a.npz", "data.max_array_mib")
