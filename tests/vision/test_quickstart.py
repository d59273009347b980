"""The quickstart as a whole: what it reaches, and that the collapse alarm rings only when it should."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def train(folder, *overrides):
    entry = "import sys; from vicreg_core.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", entry, "train", "vision/quickstart", *overrides, "--out", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(os.cpu_count())}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines], json.loads((folder / "evaluation.json").read_text())


def test_it_clears_its_floors_and_never_raises_the_alarm(tmp_path):
    metrics, evaluation = train(tmp_path / "run")
    assert {record["collapse"] for record in metrics} == {None}
    reached = evaluation["protocols"]["label-fractions"]["rows"]
    at = {row["name"]: row["accuracy"] for row in reached}
    assert at["1 per class"] >= 0.70
    assert at["10 per class"] >= 0.95
    assert at["all"] >= 0.985
    for floor in evaluation["baselines"].values():
        beside = {row["name"]: row["accuracy"] for row in floor["label-fractions"]["rows"]}
        assert all(at[budget] > beside[budget] for budget in at)


def test_without_the_variance_term_the_alarm_rings_within_a_hundred_steps(tmp_path):
    short = ["train.epochs=null", "train.steps=100", "evaluate.protocols=[knn]", "evaluate.baselines=false"]
    metrics, _ = train(tmp_path / "run", "objective.variance=0", *short)
    assert metrics[-1]["collapse"] == "complete"
    assert min(record["step"] for record in metrics if record["collapse"]) <= 100
