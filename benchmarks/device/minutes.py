"""A speed run: CIFAR-10, ResNet-18, no labels in training; kNN accuracy by seconds, then the linear probe."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from device.scale import Figures, Scale
from vicreg_core.evaluation.run import evaluate_run
from vicreg_core.recipes.load import load_recipe
from vicreg_core.runs.directory import RunDirectory
from vicreg_core.training.session import train_run

RECIPE = "vision/cifar10-minutes"


def measure(scale: Scale) -> Figures:
    folder = Path(os.environ.get("VICREG_DATA", "../shared/data"), "cifar10")
    if not (folder / "train.parquet").is_file():
        return [{"left out": f"VICREG_DATA has no {folder.name}/train.parquet"}]
    table = f"{{name: vision/table, train: {folder}/train.parquet, test: {folder}/test.parquet}}"
    given = [f"data={table}", f"train.device={scale.device}", *scale.overrides]
    if scale.small:
        given += ["train.epochs=null", "train.steps=2", "train.batch_size=32", "train.precision=float32"]
        given += ["encoder={name: vision/small-cnn, width: 8}", "projector.dims=[32]", "train.log_every=1"]
        given += ["evaluate.max_train=200", "evaluate.max_test=100", "monitor.probe_samples=200"]
    with tempfile.TemporaryDirectory() as temporary:
        run = RunDirectory(Path(temporary, "run"))
        train_run(load_recipe(RECIPE, given), run, resume=False, overwrite=False)
        lines = [json.loads(line) for line in run.metrics.read_text().splitlines()]
        result = evaluate_run(run.path)
    start = lines[0]["time"]
    curve: Figures = [
        {
            "step": line["step"],
            "seconds": round(line["time"] - start, 1),
            "kNN": line["probe_knn"],
            "loss": line["loss"],
        }
        for line in lines
        if "probe_knn" in line
    ]
    rates = sorted(line["samples_per_second"] or 0 for line in lines)
    curve.append({"samples/s": rates[len(rates) // 2]})
    for name, scores in result["protocols"].items():
        if "accuracy" in scores:
            interval = "{:.4f} to {:.4f}".format(*scores["interval"])
            curve.append(
                {"protocol": name, "accuracy": scores["accuracy"], "interval": interval, "n": scores["n"]}
            )
    return curve
