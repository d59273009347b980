"""A run folder written from plain numbers."""

from __future__ import annotations

import json
from pathlib import Path

from tests.report.fixtures import RECIPE, evaluation, metrics, snapshot
from vicreg_core.recipes.yaml import write_yaml
from vicreg_core.report.snapshot_file import write_snapshot


def write_run(folder: Path, *, collapse_from: int | None = None, value: float = 0.83, seed: int = 0) -> Path:
    """Everything a finished run leaves but its model."""
    folder.mkdir(parents=True)
    logged = metrics(collapse_from=collapse_from)
    (folder / "recipe.yaml").write_text(write_yaml({**RECIPE, "seed": seed}))
    (folder / "environment.json").write_text(json.dumps({"device": "cpu", "packages": {"torch": "2.14.1"}}))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in logged))
    (folder / "train.log").write_text("2023-11-14T22:13:10+00:00  run x: cpu\n")
    (folder / "evaluation.json").write_text(json.dumps(evaluation(value)))
    write_snapshot(folder, snapshot())
    return folder
