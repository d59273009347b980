"""The README's commands and Python, run as they stand, on a folder of images made here."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BY_CI = ("make ", "pip ")
"""Commands that set up an environment: the first two things CI does."""


def blocks(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.M | re.S)


def commands() -> list[str]:
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    return [line for line in lines if not line.startswith(BY_CI)]


def make_photos(folder: Path) -> None:
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for name, colour in {"red": (180, 60, 40), "blue": (40, 90, 190)}.items():
        (folder / name).mkdir(parents=True)
        for i in range(96):
            size = (24 + i % 3, 32)
            pixels = np.clip(rng.normal(colour, 40, (*size, 3)), 0, 255).astype("uint8")
            Image.fromarray(pixels).save(folder / name / f"{i:03}.jpg")


def test_every_command_is_known_here():
    assert len(commands()) >= 8
    assert all(line.startswith("vicreg ") for line in commands())
    assert {line.split()[1] for line in commands()} >= {"train", "evaluate", "embed", "recipe", "plugin"}


@pytest.mark.slow
def test_commands_and_python_run_as_printed(tmp_path):
    pytest.importorskip("torchvision")
    make_photos(tmp_path / "photos")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path}
    for line in commands():
        done = subprocess.run(
            shlex.split(line), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    for block in blocks("python"):
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"
