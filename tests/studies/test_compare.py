"""``vicreg compare`` as its user sees it: resumed after a kill, several at once, refused in words."""

from __future__ import annotations

import json
import shutil
import signal
import sys

import pytest

from tests.broken_plugins.planting import plant_example, vicreg
from tests.studies.stopping import stopped_after

RECIPE = "signals/quickstart"
SHORT = ["data.samples=64", "train.batch_size=32", "train.epochs=2", "train.log_every=1"]
METHODS = "core/vicreg,core/info-nce,core/vicreg+0.5*core/barlow-twins"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    plant_example(folder)
    return folder


@pytest.fixture(scope="module")
def study(site):
    done = compare(site, "study")
    assert done.returncode == 0, done.stderr
    return done


def compare(site, out, *more, methods=METHODS, seeds=2):
    args = [RECIPE, *SHORT, *more, "--methods", methods, "--seeds", str(seeds), "--out", out]
    return vicreg(site, "compare", *args)


def scores(site, out):
    import pyarrow.parquet as pq

    rows = pq.read_table(site / out / "study.parquet").to_pylist()
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def test_a_study_is_a_table_a_page_and_ordinary_runs(site, study):
    rows = scores(site, "study")
    assert {(row["method"], row["seed"]) for row in rows} == {
        (method, seed) for method in METHODS.split(",") for seed in (0, 1)
    }
    assert all(
        row["steps"] == 4 and row["floor_value"] is not None for row in rows if row["method"] == "core/vicreg"
    )
    assert "leads with" in study.stdout
    assert "highest floor" in study.stdout
    page = (site / "study" / "study.html").read_text()
    assert "3 ways to train signals/quickstart" in page
    assert "runs/core-info-nce--seed=1/" in page
    shown = vicreg(site, "report", "study/runs/core-info-nce--seed=1")
    assert shown.returncode == 0, shown.stderr


def test_finished_runs_are_never_repeated_and_methods_can_be_added(site, study):
    shutil.copytree(site / "study", site / "more")
    before = scores(site, "more")
    again = compare(site, "more")
    assert "6 of 6 runs are done already" in again.stderr
    assert scores(site, "more") == before
    added = compare(site, "more", methods=METHODS + ",core/sigreg")
    assert "run 7 of 8 done: core/sigreg, seed 0" in added.stderr
    kept = [row for row in scores(site, "more") if row["method"] != "core/sigreg"]
    assert kept == before


def test_supervised_training_and_further_protocols_on_request(site):
    more = ["--supervised", "--columns", "few-labels,clustering", "data.label_count=16"]
    done = compare(site, "asked", *more, methods="core/vicreg", seeds=1)
    assert done.returncode == 0, done.stderr
    assert "with VCReg is left out" in done.stderr
    assert "needs feature maps" in done.stderr
    rows = scores(site, "asked")
    assert {row["method"] for row in rows} == {
        "core/vicreg",
        "core/supervised",
        "core/supervised@optimizer.weight_decay=0.1",
        "core/supervised@objective.dropout=0.5",
    }
    assert {"knn", "linear", "few-labels", "clustering"} <= {row["protocol"] for row in rows}
    # More scores than methods: a row a score, and one line a protocol on who leads.
    lines = done.stdout.splitlines()
    assert "core/supervised" in lines[0]
    assert any(line.startswith("few-labels: 10 drawn, fit ") for line in lines)
    assert sum("leads with" in line and line.startswith("few-labels") for line in lines) == 1


def test_several_at_once_come_to_the_same(site, study):
    done = compare(site, "jobs", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert scores(site, "jobs") == scores(site, "study")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_killed_and_resumed_it_comes_to_the_same(site, study):
    command = [sys.executable, "-m", "vicreg_core", "compare", RECIPE, *SHORT, "--methods", METHODS]
    command += ["--seeds", "2", "--out", "killed"]
    for kind in (signal.SIGKILL, signal.SIGINT):
        assert "Traceback" not in stopped_after(command, site, "done: ", kind)
    done = compare(site, "killed")
    assert done.returncode == 0, done.stderr
    assert scores(site, "killed") == scores(site, "study")


@pytest.mark.slow
def test_a_budget_of_seconds_is_measured_once_and_kept(site):
    methods = "core/vicreg,core/info-nce"
    first = compare(site, "seconds", "--budget", "seconds", methods=methods, seeds=1)
    assert first.returncode == 0, first.stderr
    steps = json.loads((site / "seconds" / "study.json").read_text())["steps"]
    assert steps["core/vicreg"] == 4
    assert steps["core/info-nce"] >= 1
    assert {row["method"]: row["steps"] for row in scores(site, "seconds")} == steps
    again = compare(site, "seconds", "--budget", "seconds", methods=methods, seeds=1)
    assert "2 of 2 runs are done already" in again.stderr
    if steps["core/info-nce"] != 4:
        other = compare(site, "seconds", methods=methods, seeds=1)
        assert other.returncode == 2
        assert "was trained otherwise" in other.stderr


@pytest.mark.parametrize(
    ("more", "methods", "message"),
    [
        ((), "core/vicrag", "unknown objective 'core/vicrag'; did you mean 'core/vicreg'"),
        ((), "core/vicreg*2", "is no sum of objectives"),
        ((), "core/vicreg+0.1*core/vicreg", "objective 'core/vicreg' is there twice"),
        (("--vary", "optimizer.lr=1e-3"), METHODS, "expected KEY=VALUE,VALUE"),
        (("--vary", "optimizer.rate=1,2"), METHODS, "rate"),
    ],
)
def test_mistakes_are_one_message(site, more, methods, message):
    done = compare(site, "bad", *more, methods=methods, seeds=1)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    shutil.rmtree(site / "bad", ignore_errors=True)


def test_a_folder_of_something_else_is_left_alone(site, study):
    other = compare(site, "study", "train.epochs=1")
    assert other.returncode == 2
    assert "is a study of another recipe" in other.stderr
    (site / "mine").mkdir()
    (site / "mine" / "notes.txt").write_text("mine")
    refused = compare(site, "mine")
    assert refused.returncode == 2
    assert "is no study" in refused.stderr
    assert [path.name for path in (site / "mine").iterdir()] == ["notes.txt"]
