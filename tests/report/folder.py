"""A run folder written from plain numbers."""

from __future__ import annotations

from pathlib import Path

from tests.report.fixtures import RECIPE, evaluation, metrics, snapshot
from vicreg_core.recipes.yaml import write_yaml
from vicreg_core.report.snapshot_file import write_snapshot
from vicreg_core.runs.metrics import MetricsFile
from vicreg_core.runs.reading import write_sealed


def write_run(folder: Path, *, collapse_from: int | None = None, value: float = 0.83, seed: int = 0) -> Path:
    """Everything a finished run leaves but its model."""
    folder.mkdir(parents=True)
    logged = metrics(collapse_from=collapse_from)
    (folder / "recipe.yaml").write_text(write_yaml({**RECIPE, "seed": seed}))
    write_sealed(folder / "environment.json", {"device": "cpu", "packages": {"torch": "2.14.1"}})
    for each in logged:
        MetricsFile(folder / "metrics.jsonl").append(each)
    (folder / "train.log").write_text("2023-11-14T22:13:10+00:00  run x: cpu\n")
    write_sealed(folder / "evaluation.json", evaluation(value))
    write_snapshot(folder, snapshot())
    return folder
