"""A run that is killed at any of its writes goes on to the very same end.

A short run is killed by SIGKILL at one of its file events (opening for writing, renaming, removing, making a
folder, flushing), resumed, killed again at another, and resumed to the end. Weights, records and files then
equal those of a run that nothing disturbed. By default every twelfth event is taken; ``VICREG_DRILL=1`` takes
all of them, each with eight second kills, more than 1,000 in all, which is half an hour.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from vicreg_core.recipes.load import load_recipe
from vicreg_core.runs.directory import RunDirectory
from vicreg_core.runs.metrics import read_metrics
from vicreg_core.training.session import train_run

pytestmark = pytest.mark.slow

RECIPE = (
    "train.epochs=null",
    "train.steps=6",
    "train.batch_size=32",
    "train.checkpoint_every=2",
    "train.keep_checkpoints=1",
    "train.log_every=1",
    "train.device=cpu",
    "train.precision=float32",
    "encoder.width=8",
    "projector.dims=[16]",
    "monitor.probes=0",
)
WRITES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.truncate", "shutil.rmtree"}
TIMING = {"time", "samples_per_second", "waiting"}
DRILL = os.environ.get("VICREG_DRILL") == "1"
STEP = 1 if DRILL else 12
"""Every so many events are the first kill of a run."""
SECONDS = 8 if DRILL else 1
"""Runs that begin with the same kill and are killed elsewhere again."""


class Counter:
    """Counts the write-side file events below a folder, and ends the process at one of them."""

    def __init__(self, folder: Path, fatal: int | None) -> None:
        self.folder, self.fatal, self.seen = str(folder), fatal, 0

    def install(self) -> None:
        sys.addaudithook(self.hook)
        fsync = os.fsync

        def counted(descriptor: int) -> None:
            self.count()
            fsync(descriptor)

        os.fsync = counted

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if (
                isinstance(path, str | Path)
                and str(path).startswith(self.folder)
                and self.writes(mode, flags)
            ):
                self.count()
        elif event in WRITES and str(arguments[0]).startswith(self.folder):
            self.count()

    @staticmethod
    def writes(mode: str | None, flags: int) -> bool:
        return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) or any(c in (mode or "") for c in "wax+")

    def count(self) -> None:
        self.seen += 1
        if self.seen == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def train(folder: Path, fatal: int | None) -> int:
    """Train, or go on, in this process; returns the number of file events."""
    counter = Counter(folder, fatal)
    counter.install()
    train_run(load_recipe("vision/quickstart", RECIPE), RunDirectory(folder), resume=True, overwrite=False)
    return counter.seen


def in_a_child(work: Callable[[], int]) -> tuple[int, int]:
    """What a forked process returned, and the signal that ended it; torch is imported once for all."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        code = 1
        try:
            os.write(writing, str(work()).encode())
            code = 0
        except BaseException:
            os.write(writing, traceback.format_exc().encode()[-4000:])
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        told = stream.read().decode()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return 0, os.WTERMSIG(status)
    assert os.WEXITSTATUS(status) == 0, told
    return int(told), 0


def outcome(folder: Path) -> tuple[dict[str, torch.Tensor], list[dict[str, Any]], set[str]]:
    """Weights, records and files of a run."""
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    records = [
        {key: value for key, value in record.items() if key not in TIMING}
        for record in read_metrics(folder / "metrics.jsonl").records
    ]
    return load_file(folder / "model" / "model.safetensors"), records, files


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks a process for each kill")
def test_killed_at_any_write_and_resumed_it_ends_the_same(tmp_path: Path):
    torch.set_num_threads(1)
    events, _ = in_a_child(lambda: train(tmp_path / "whole", None))
    weights, records, files = outcome(tmp_path / "whole")
    assert events > 60
    assert [record["step"] for record in records] == [1, 2, 3, 4, 5, 6]
    killed, lost = 0, []
    for fatal, second in itertools.product(range(1, events + 1, STEP), range(SECONDS)):
        folder = tmp_path / f"at-{fatal}-{second}"
        for at in (fatal, 1 + (7 * fatal + 9 * second) % events):
            _, ended_by = in_a_child(lambda folder=folder, at=at: train(folder, at))
            killed += ended_by == signal.SIGKILL
        in_a_child(lambda folder=folder: train(folder, None))
        ended = outcome(folder)
        same = all(torch.equal(weights[name], ended[0][name]) for name in weights)
        if not same or ended[1] != records or ended[2] != files:
            lost.append((fatal, second, same, len(ended[1]), ended[2] ^ files))
        shutil.rmtree(folder)
    print(f"{killed} kills at {events} file events, {len(lost)} bad")
    assert lost == []
    assert killed > (1_000 if DRILL else events // STEP)
