"""A disk that refuses at any size: every command says so in one message, and what was there stays whole.

The system itself refuses: a file may not grow beyond a limit (``RLIMIT_FSIZE``), which every writer meets,
be it ours, torch's, safetensors' or pyarrow's; or, for those who may mount one, a tmpfs is full. More than 40
sizes each.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from tests.drills.test_kill import RECIPE, in_a_child
from vicreg_core.cli.main import cli

pytestmark = [
    pytest.mark.skipif(os.environ.get("VICREG_DRILL") != "1", reason="some minutes: set VICREG_DRILL=1"),
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the size of files as Linux does"),
]

TRAIN = ["train", "vision/quickstart", *RECIPE, "evaluate.protocols=[knn]", "--out"]
FORMATS = ("npy", "npz", "csv", "parquet", "h5ad")
HEAVY = ("sklearn.decomposition", "sklearn.linear_model", "pyarrow.parquet", "vicreg_core.vectors.of_run")
EARLIER = ("recipe.yaml", "model", "checkpoints")


def command(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def limited(size: int | None, *arguments: str) -> int:
    """Exit code of a command in a child whose files may grow to ``size`` bytes; its words are checked."""

    def work() -> int:
        import resource

        if size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        result = command(*arguments)
        assert "Unexpected" not in result.output, f"{size} bytes, {arguments}: {result.output}"
        assert result.exit_code in (0, 1, 2), f"{size} bytes, {arguments}: {result.output}"
        assert result.exit_code == 0 or "Error:" in result.output, (
            f"{size} bytes, {arguments}: {result.output}"
        )
        return result.exit_code

    code, ended_by = in_a_child(work)
    assert ended_by == 0, f"{size} bytes, {arguments}: ended by signal {ended_by}"
    return code


def contents(folder: Path) -> dict[str, str]:
    """The digest of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def largest(folder: Path) -> int:
    return max(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def sizes(most: int, points: int) -> list[int]:
    """Sizes from nothing to a byte too few, denser where files are small."""
    return sorted({int(most ** (point / points)) if point else 0 for point in range(points)} | {most - 1})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    for module in HEAVY:  # Once for all children.
        importlib.import_module(module)
    folder = tmp_path_factory.mktemp("disk") / "run"
    assert limited(None, *TRAIN, str(folder)) == 0
    return folder


def test_a_training_that_met_a_full_disk_goes_on(trained: Path, tmp_path: Path) -> None:
    failed = 0
    for size in sizes(largest(trained), 8):
        out = tmp_path / f"at-{size}"
        failed += limited(size, *TRAIN, str(out)) != 0
        again = ("--resume",) if (out / "recipe.yaml").is_file() else ("--overwrite",)
        assert limited(None, *TRAIN, str(out), *again) == 0
        assert contents(out / "model") == contents(trained / "model")
        shutil.rmtree(out)
    assert failed > 3


@pytest.mark.parametrize("form", FORMATS)
def test_vectors_are_there_whole_or_not_at_all(trained: Path, tmp_path: Path, form: str) -> None:
    if form == "h5ad":
        pytest.importorskip("anndata")
    before, whole = contents(trained), tmp_path / "whole"
    whole.mkdir()
    assert limited(None, "embed", str(trained), "--out", str(whole / f"x.{form}")) == 0
    for size in sizes(largest(whole), 3):
        out = tmp_path / f"at-{size}"
        out.mkdir()
        assert limited(size, "embed", str(trained), "--out", str(out / f"x.{form}")) != 0
        assert os.listdir(out) == []
    assert {name: contents(trained)[name] for name in before} == before


@pytest.mark.parametrize(
    "arguments", [("evaluate",), ("report",), ("export",)], ids=["evaluate", "report", "export"]
)
def test_what_was_there_stays_whole(trained: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    run = tmp_path / "run"
    for size in sizes(largest(trained), 6):
        shutil.copytree(trained, run)
        before = {name: seal for name, seal in contents(run).items() if name.startswith(EARLIER)}
        limited(size, *arguments, str(run))
        after = contents(run)
        assert {name: after.get(name) for name in before} == before
        assert [name for name in after if ".partial-" in name] == []
        assert limited(None, *arguments, str(run)) == 0
        shutil.rmtree(run)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A folder that holds as much as is asked for, and keeps what is in it when more is asked for."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def resized(size: str) -> Path:
        mounted = (
            ["-o", f"remount,size={size}"]
            if os.path.ismount(folder)
            else ["-t", "tmpfs", "-o", f"size={size}"]
        )
        done = subprocess.run(
            ["mount", *mounted, "tmpfs", folder], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
        return folder

    yield resized
    if os.path.ismount(folder):
        subprocess.run(["umount", folder], check=True)


def test_a_training_on_a_disk_that_is_full_goes_on(trained: Path, small_disk: Callable[[str], Path]) -> None:
    whole = sum(path.stat().st_size for path in trained.rglob("*") if path.is_file())
    failed = 0
    for point in range(1, 41):
        disk = small_disk(f"{max(4, whole * 2 * point // 40 // 1024)}k")
        out = disk / "run"
        failed += limited(None, *TRAIN, str(out)) != 0
        small_disk("1g")
        again = ("--resume",) if (out / "recipe.yaml").is_file() else ("--overwrite",)
        assert limited(None, *TRAIN, str(out), *again) == 0
        assert contents(out / "model") == contents(trained / "model")
        shutil.rmtree(out)
        subprocess.run(["umount", disk], check=True)
    assert failed > 10


def test_a_corpus_is_derived_whole_or_not_at_all(
    small_disk: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = ["train", "text/quickstart", "train.epochs=null", "train.steps=2", "--out"]
    failed = 0
    for size in (4, 16, 64, 256, 512, 1024, 1536, 2048, 3072, 4096):
        disk = small_disk(f"{size}k")
        monkeypatch.setenv("VICREG_CACHE", str(disk))
        failed += limited(None, *recipe, str(disk.parent / "run"), "--overwrite") != 0
        small_disk("1g")
        assert limited(None, *recipe, str(disk.parent / "run"), "--overwrite") == 0
        subprocess.run(["umount", disk], check=True)
    assert failed > 3
