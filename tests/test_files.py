"""Files are whole or not there."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vicreg_core.errors import RunError
from vicreg_core.files import (
    atomic_path,
    is_leftover,
    is_whole,
    remove,
    remove_partials,
    sealed,
    write_array,
    write_text,
)


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


def dead_process() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_leftovers_of_a_killed_process_are_removed_and_those_of_one_at_work_are_not(tmp_path):
    dead = dead_process()
    (tmp_path / f".partial-{dead}-x-step").mkdir()
    (tmp_path / f".removed-{dead}-x-step").mkdir()
    (tmp_path / f".partial-{os.getpid()}-x.json").touch()
    (tmp_path / ".partial-noise").touch()
    at_work = tmp_path / f".partial-{os.getppid()}-x.json"
    at_work.touch()
    (tmp_path / "kept").touch()
    remove_partials(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["kept", at_work.name])


def test_a_folder_is_gone_at_once(tmp_path, monkeypatch):
    """Killed while its files are removed, it no longer stands under its name."""
    folder = tmp_path / "step-1"
    folder.mkdir()
    (folder / "state.pt").touch()
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)
    remove(folder)
    assert [is_leftover(path.name) for path in tmp_path.iterdir()] == [True]


def test_the_first_whole_folder_stays(tmp_path):
    target = tmp_path / "cache"
    for content in ("first", "second"):
        with atomic_path(target, keep_first=True) as temporary:
            temporary.mkdir()
            (temporary / content).touch()
    assert [p.name for p in target.iterdir()] == ["first"]
    assert [p.name for p in tmp_path.iterdir()] == ["cache"]


def _fill(target: str, content: str) -> bool:
    with atomic_path(Path(target), keep_first=True) as temporary:
        temporary.mkdir()
        (temporary / "data").write_text(content)
    return Path(target, "data").exists()


def test_processes_that_fill_one_folder_at_once_all_find_it(tmp_path):
    context = multiprocessing.get_context("fork")
    with context.Pool(8) as pool:
        for round_ in range(40):
            target = str(tmp_path / str(round_))
            assert all(pool.starmap(_fill, [(target, str(n)) for n in range(8)]))


def test_a_seal_is_broken_by_any_change():
    values = sealed({"a": 1, "b": [1.5, None]})
    assert is_whole(values)
    assert is_whole(json.loads(json.dumps(values)))
    assert not is_whole({**values, "a": 2})
    assert not is_whole({"a": 1, "b": [1.5, None]})
    assert not is_whole({})


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files by the system")
@pytest.mark.parametrize("short", [1, 100, 5000])
def test_an_array_of_which_the_disk_refuses_the_end_is_not_taken_for_written(tmp_path, short):
    import resource

    array = np.arange(3000, dtype=np.float64)
    write_array(tmp_path / "x.npy", array)
    assert np.array_equal(np.load(tmp_path / "x.npy"), array)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "x.npy").stat().st_size - short, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            write_array(tmp_path / "y.npy", array)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
