"""One trainer a run, one writer of a file; a lock ends with its owner."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from vicreg_core.errors import RunError
from vicreg_core.runs import lock
from vicreg_core.runs.lock import file_lock, run_lock

HOLD = """
import sys, time
from pathlib import Path
from vicreg_core.runs.lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_trainer_is_refused_and_told_by_whom(tmp_path: Path):
    process = holder(tmp_path)
    try:
        with (
            pytest.raises(RunError, match=rf"process {process.pid} on .* since 20") as refused,
            run_lock(tmp_path),
        ):
            pass
        assert "another --out" in str(refused.value)
    finally:
        process.kill()
        process.wait()


def test_a_lock_ends_with_an_owner_that_was_killed(tmp_path: Path):
    process = holder(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with run_lock(tmp_path):
        assert json.loads((tmp_path / lock.NAME).read_text())["pid"] == os.getpid()
    assert (tmp_path / lock.NAME).read_text() == ""


def test_the_same_process_is_refused_as_well(tmp_path: Path):
    with run_lock(tmp_path), pytest.raises(RunError, match="is being trained into"), run_lock(tmp_path):
        pass
    with run_lock(tmp_path):
        pass


def test_a_refusal_does_not_end_the_lock_that_is_held(tmp_path: Path):
    """POSIX ends all locks of a process on a file when any descriptor of it closes."""
    with run_lock(tmp_path):
        with pytest.raises(RunError, match="is being trained into"), run_lock(tmp_path):
            pass
        code = "import sys; from pathlib import Path; from vicreg_core.runs.lock import run_lock\n"
        code += "with run_lock(Path(sys.argv[1])): print('in')"
        other = subprocess.run(
            [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False
        )
        assert other.returncode != 0
        assert f"process {os.getpid()} on" in other.stderr


def test_threads_and_processes_wait_for_each_other(tmp_path: Path):
    path = tmp_path / "count.json"
    path.write_text("0")
    process = multiprocessing.get_context("spawn").Process(target=_add, args=(str(path), 20))
    threads = [threading.Thread(target=_add, args=(str(path), 20)) for _ in range(3)]
    for worker in (process, *threads):
        worker.start()
    for worker in (process, *threads):
        worker.join()
    assert json.loads(path.read_text()) == 80


def test_a_file_system_without_locks_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(lock.fcntl, "lockf", refuse)
    said: list[str] = []
    with run_lock(tmp_path, said.append), file_lock(tmp_path / "x.json"):
        pass
    assert len(said) == 1
    assert "cannot be locked (No locks available)" in said[0]


def _add(path: str, times: int) -> None:
    for _ in range(times):
        with file_lock(Path(path)):
            found = json.loads(Path(path).read_text())
            time.sleep(0.001)
            Path(path).write_text(json.dumps(found + 1))


def test_writers_of_one_file_wait_for_each_other(tmp_path: Path):
    path = tmp_path / "count.json"
    path.write_text("0")
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_add, args=(str(path), 20)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert json.loads(path.read_text()) == 80
