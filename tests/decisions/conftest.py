"""A run of the toy, and the commands as typed."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.evaluation.toy import Points, PointsConfig, make_run
from vicreg_core.cli.main import cli


@pytest.fixture(autouse=True)
def _toy(toy_modality):
    """Every test here has it."""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of samples without labels."""
    make_run(tmp_path / "run", "data.labelled=false")
    return tmp_path / "run"


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """A run of labelled samples, of which a share is held out."""
    make_run(tmp_path / "known")
    return tmp_path / "known"


@pytest.fixture
def vicreg():
    def call(*arguments: object) -> Result:
        return CliRunner().invoke(cli, [str(each) for each in arguments])

    return call


@pytest.fixture
def truth() -> dict[str, str]:
    """The class of each sample by its id."""
    data = Points(PointsConfig())
    return {str(name): data.classes[k] for name, k in zip(data.ids, data.labels, strict=True)}


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write_labels(path: Path, names: dict[str, str]) -> Path:
    rows = "".join(f"{sample},{name}\n" for sample, name in names.items())
    path.write_text(f"id,label\n{rows}", encoding="utf-8")
    return path
