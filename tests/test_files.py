"""Files are whole or not there."""

from __future__ import annotations

import os

import pytest

from vicreg_core.errors import RunError
from vicreg_core.files import atomic_path, remove_partials, write_text


def test_replaces_a_file_and_a_folder(tmp_path):
    write_text(tmp_path / "a.txt", "one")
    write_text(tmp_path / "a.txt", "two")
    assert (tmp_path / "a.txt").read_text() == "two"
    for content in ("one", "two"):
        with atomic_path(tmp_path / "folder") as temporary:
            temporary.mkdir()
            (temporary / content).touch()
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["two"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "folder"]


def test_a_failure_leaves_the_old_content_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    write_text(target, "kept")

    def write_half_and_fail():
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half_and_fail()
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert target.read_text() == "kept"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_a_users_error(tmp_path):
    def write():
        with atomic_path(tmp_path / "a.txt") as temporary:
            temporary.symlink_to("/dev/full")
            temporary.write_text("content")

    with pytest.raises(RunError, match=r"could not write .*a.txt: No space left on device"):
        write()
    assert not list(tmp_path.iterdir())


def test_leftovers_of_a_killed_process_are_removed(tmp_path):
    (tmp_path / ".partial-1-step").mkdir()
    (tmp_path / ".partial-2-x.json").touch()
    (tmp_path / "kept").touch()
    remove_partials(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]
