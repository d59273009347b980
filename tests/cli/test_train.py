"""``vicreg train`` as its user sees it: folders are never overwritten by surprise, kills lose nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch

from tests.broken_plugins.planting import environment_with, plant_example, vicreg

RECIPE = "signals/quickstart"
SHORT = ["data.samples=64", "train.batch_size=32", "train.epochs=2", "train.log_every=1"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    plant_example(folder)
    return folder


def weights(run):
    steps = sorted(run.joinpath("checkpoints").iterdir())
    return torch.load(steps[-1] / "state.pt", weights_only=True)["model"]


def untimed(run):
    records = [json.loads(line) for line in run.joinpath("metrics.jsonl").read_text().splitlines()]
    return [
        {k: v for k, v in r.items() if k not in ("samples_per_second", "waiting", "time", "crc")}
        for r in records
    ]


def test_a_run_is_complete_and_never_overwritten_by_surprise(site):
    done = vicreg(site, "train", RECIPE, *SHORT, "--out", "run")
    assert done.returncode == 0, done.stderr
    names = {p.name for p in (site / "run").iterdir()}
    assert names >= {"recipe.yaml", "environment.json", "train.log", "metrics.jsonl", "evaluation.json"}
    assert names >= {"checkpoints", "model"}
    before = (site / "run" / "metrics.jsonl").read_bytes()

    again = vicreg(site, "train", RECIPE, *SHORT, "--out", "run")
    assert again.returncode == 2
    assert "already holds a run" in again.stderr
    assert "Traceback" not in again.stderr
    other = vicreg(site, "train", RECIPE, *SHORT, "seed=1", "--out", "run", "--resume")
    assert other.returncode == 2
    assert "another recipe" in other.stderr
    assert (site / "run" / "metrics.jsonl").read_bytes() == before

    resolved = vicreg(site, "train", "run/recipe.yaml", "--out", "again")
    assert resolved.returncode == 0, resolved.stderr
    first, second = weights(site / "run"), weights(site / "again")
    assert all(first[name].equal(second[name]) for name in first)

    replaced = vicreg(site, "train", RECIPE, *SHORT, "--out", "run", "--overwrite")
    assert replaced.returncode == 0, replaced.stderr
    assert untimed(site / "run") == untimed(site / "again")


def test_vectors_in_the_same_command(site):
    asked = ["train", RECIPE, *SHORT, "--out", "embedded", "--vectors"]
    refused = vicreg(site, *asked, "vectors.xlsx")
    assert refused.returncode == 2
    assert "expected a name that ends in .parquet" in refused.stderr
    assert not (site / "embedded").exists()
    done = vicreg(site, *asked, "vectors.csv")
    assert done.returncode == 0, done.stderr
    assert (site / "vectors.csv").read_text(encoding="utf-8").count("\n") == 1 + 64 + 64
    again = vicreg(site, *asked, "vectors.csv")
    assert again.returncode == 2
    assert "vectors.csv exists" in again.stderr


def test_a_folder_of_something_else_is_left_alone(site):
    (site / "photos").mkdir()
    (site / "photos" / "cat.jpg").write_bytes(b"precious")
    for flag in ("--overwrite", "--resume"):
        done = vicreg(site, "train", RECIPE, *SHORT, "--out", "photos", flag)
        assert done.returncode == 2
        assert "holds files but no run" in done.stderr
    assert (site / "photos" / "cat.jpg").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["train.batch_size=4096"], "only 1024 training samples; set train.batch_size=1024 or less"),
        (["train.bath_size=4"], "train.bath_size: unknown key; did you mean 'batch_size'?"),
        (["train.device=cuda:7"], "set train.device=auto"),
    ],
)
def test_a_mistake_is_one_block_without_a_traceback(site, overrides, said):
    done = vicreg(site, "train", RECIPE, *overrides, "--out", "never", CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (site / "never").exists(), "nothing was trained, so nothing may be in the way of the next try"


@pytest.mark.slow
def test_kills_at_random_moments_and_resumes_end_bitwise_equal(site):
    """SIGKILL, so nothing can be tidied up; the moments are drawn from a whole run's length."""
    kills = int(os.environ.get("VICREG_TEST_KILLS", "6"))
    recipe = [
        RECIPE,
        "data.samples=512",
        "train.batch_size=32",
        "train.epochs=12",
        "train.checkpoint_every=7",
    ]
    entry = "import sys; from vicreg_core.cli.main import main; sys.exit(main())"
    started = time.monotonic()
    whole = vicreg(site, "train", *recipe, "--out", "whole")
    length = time.monotonic() - started
    assert whole.returncode == 0, whole.stderr
    moments = random.Random(0)
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-c", entry, "train", *recipe, "--out", "killed", "--resume"],
            env=environment_with(site),
            cwd=site,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(moments.uniform(0.3, 1.0) * length)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    done = vicreg(site, "train", *recipe, "--out", "killed", "--resume")
    assert done.returncode == 0, done.stderr
    first, second = weights(site / "whole"), weights(site / "killed")
    assert [name for name in first if not first[name].equal(second[name])] == []
    assert untimed(site / "killed") == untimed(site / "whole")
    model = "model/model.safetensors"
    assert (site / "killed" / model).read_bytes() == (site / "whole" / model).read_bytes()
