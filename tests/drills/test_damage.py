"""Every file of a run, damaged in every way: an error in one message, or the very figures of a whole run.

Each file is emptied, cut, has a bit flipped, is filled with noise, removed, or replaced by a folder, a pipe
or a link to itself; then the run is reported, evaluated, embedded and resumed. Many minutes, so only where
``VICREG_DRILL=1``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from tests.drills.test_kill import RECIPE, in_a_child
from vicreg_core.cli.main import cli

pytestmark = [
    pytest.mark.skipif(os.environ.get("VICREG_DRILL") != "1", reason="some minutes: set VICREG_DRILL=1"),
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="makes pipes and forks"),
]

TRAIN = ("train", "vision/quickstart", *RECIPE, "evaluate.protocols=[knn]", "--out")
COMMANDS = ("report", "evaluate", "embed", "train")
SECONDS = 120


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(path.stat().st_size))


def removed(path: Path) -> None:
    path.unlink()


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


DAMAGES = (emptied, cut, flipped, noise, removed, a_folder, a_pipe, a_loop)


def run_command(*arguments: str) -> str:
    """What a command said in a child, having ended by itself, in words, and in time."""
    folder = Path(arguments[-1])

    def work() -> int:
        signal.alarm(SECONDS)
        result = CliRunner().invoke(cli, list(arguments[:-1]))
        (folder / "said").write_text(result.output, encoding="utf-8")
        return result.exit_code

    code, ended_by = in_a_child(work)
    said = (folder / "said").read_text(encoding="utf-8") if ended_by == 0 else ""
    assert ended_by == 0, f"{arguments}: ended by signal {ended_by}"
    assert "Unexpected" not in said, f"{arguments}: {said}"
    assert (code, "Error:" in said) in ((0, False), (1, True), (2, True)), f"{arguments}: {code}: {said}"
    return "" if code else said or "done"


def command(name: str, run: Path, scratch: Path) -> str:
    if name == "train":
        return run_command(*TRAIN, str(run), "--resume", str(scratch))
    if name == "embed":
        return run_command("embed", str(run), "--out", str(scratch / "x.npy"), str(scratch))
    return run_command(name, str(run), str(scratch))


def figures(run: Path) -> Any:
    protocols = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))["protocols"]
    return [(name, {key: of[key] for key in of if key != "seconds"}) for name, of in protocols.items()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("damage")
    (folder / "scratch").mkdir()
    run = folder / "run"
    for done in (
        run_command(*TRAIN, str(run), str(folder / "scratch")),
        command("report", run, folder / "scratch"),
        command("embed", run, folder / "scratch"),
    ):
        assert done, (folder / "scratch" / "said").read_text(encoding="utf-8")
    return run


def checked(name: str, trained: Path, run: Path, scratch: Path) -> None:
    """What a command that went well left behind is what the whole run holds."""
    if name == "evaluate":
        assert figures(run) == figures(trained)
    if name == "embed":
        assert np.array_equal(np.load(scratch / "x.npy"), np.load(trained.parent / "scratch" / "x.npy"))
    if name == "train":
        weights = "model/model.safetensors"
        assert (run / weights).read_bytes() == (trained / weights).read_bytes()


def files(run: Path) -> list[Path]:
    """One of each kind: of the caches, only the first file."""
    every = [p.relative_to(run) for p in sorted(run.rglob("*")) if p.is_file() and p.stat().st_size]
    cached = [path for path in every if path.parts[0] == "cache"]
    return [path for path in every if path not in cached[1:]]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_file_is_an_error_or_makes_no_difference(
    trained: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    ways, went_well, mistakes = 0, 0, list[str]()
    for path in files(trained):
        for name in COMMANDS:
            run, scratch = tmp_path / "run", tmp_path / "scratch"
            shutil.copytree(trained, run)
            scratch.mkdir()
            damage(run / path)
            try:
                if command(name, run, scratch):
                    went_well += 1
                    checked(name, trained, run, scratch)
            except AssertionError as error:
                mistakes.append(f"{path} {damage.__name__}, {name}: {error}")
            ways += 1
            shutil.rmtree(run)
            shutil.rmtree(scratch)
    assert not mistakes, "\n\n".join(mistakes)
    assert ways >= 32
    assert 0 < went_well < ways
