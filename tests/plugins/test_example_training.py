"""A stranger's modality through the whole of the suite, as its user would run it."""

from __future__ import annotations

import json

import pytest

from tests.broken_plugins.planting import plant_example, vicreg


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    plant_example(folder)
    return folder


def test_its_own_check_passes(site):
    done = vicreg(site, "plugin", "check", "signals")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok    recipe signals/quickstart" in done.stdout


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param([], id="in-memory"),
        pytest.param(["augmentation.window=96", "data.workers=1"], id="per-sample", marks=pytest.mark.slow),
    ],
)
def test_it_trains_and_is_evaluated(site, overrides):
    run = site / f"run-{len(overrides)}"
    short = ["data.samples=64", "train.batch_size=32", "train.epochs=2", "train.log_every=1"]
    done = vicreg(site, "train", "signals/quickstart", *short, *overrides, "--out", str(run))
    assert done.returncode == 0, done.stderr
    steps = [json.loads(line)["step"] for line in run.joinpath("metrics.jsonl").read_text().splitlines()]
    assert steps[-1] == 4
    evaluation = json.loads(run.joinpath("evaluation.json").read_text())
    assert set(evaluation["protocols"]) == {"knn", "linear"}


@pytest.mark.slow
def test_its_quickstart_beats_its_floors(site):
    run = site / "quickstart"
    done = vicreg(site, "train", "signals/quickstart", "--out", str(run))
    assert done.returncode == 0, done.stderr
    evaluation = json.loads(run.joinpath("evaluation.json").read_text())
    reached = evaluation["protocols"]["linear"]["accuracy"]
    assert reached > 0.88
    assert all(reached > floor["linear"]["accuracy"] for floor in evaluation["baselines"].values())
