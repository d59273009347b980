"""``vicreg tune`` as its user sees it: chosen without labels, resumed after a kill, refused in words."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from tests.broken_plugins.planting import plant_example, vicreg
from tests.studies.stopping import stopped_after
from vicreg_core.recipes.load import load_recipe
from vicreg_core.studies.tuning.criteria import Figures
from vicreg_core.studies.tuning.drawing import drawn, drawn_whole
from vicreg_core.studies.tuning.space import default_space, read_space
from vicreg_core.studies.tuning.trials import Trial, best_of, regret_of

pytest.importorskip("optuna", reason="needs optuna (extra tune)")

RECIPE = "signals/quickstart"
SHORT = ["data.samples=64", "train.batch_size=32", "train.epochs=2", "train.log_every=1"]
SPACE = """\
optimizer.lr: {from: 1e-4, to: 1e-2, log: true}
objective.invariance: {from: 5, to: 50, log: true}
objective.variance: {from: 5, to: 50, log: true}
train.batch_size: {from: 16, to: 32, whole: true}
projector.dims: [[256, 256], [64]]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    plant_example(folder)
    (folder / "space.yaml").write_text(SPACE)
    return folder


@pytest.fixture(scope="module")
def tuned(site):
    done = tune(site, "tuned", trials=6)
    assert done.returncode == 0, done.stderr
    return done


def tune(site, out, *more, trials=3, space="space.yaml"):
    args = [RECIPE, *SHORT, *more, "--trials", str(trials), "--out", out]
    return vicreg(site, "tune", *args, *(["--space", space] if space else []))


def read_space_of(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "space.yaml")
        path.write_text(text)
        return read_space(path)


def table(site, out):
    import pyarrow.parquet as pq

    return pq.read_table(site / out / "trials.parquet").to_pylist()


def test_the_best_trial_by_the_criterion_is_a_recipe_that_trains(site, tuned):
    rows = table(site, "tuned")
    assert [row["trial"] for row in rows] == list(range(6))
    best = max(rows, key=lambda row: row["lidar"])
    assert f"trial {best['trial']} has the best lidar" in tuned.stdout
    chosen = yaml.safe_load((site / "tuned" / "best.yaml").read_text())
    assert chosen["optimizer"]["lr"] == pytest.approx(best["optimizer.lr"])
    assert chosen["train"]["batch_size"] == best["train.batch_size"]
    assert "monitor" not in chosen or chosen["monitor"]["on_collapse"] == "warn"
    trained = vicreg(site, "train", "tuned/best.yaml", "--out", "best")
    assert trained.returncode == 0, trained.stderr


def test_the_first_trial_is_the_recipe_itself(site, tuned):
    first = table(site, "tuned")[0]
    own = (
        first["optimizer.lr"],
        first["objective.variance"],
        first["train.batch_size"],
        first["projector.dims"],
    )
    assert own == (0.002, 25.0, 32, "[256, 256]")


def test_the_page_says_what_was_chosen_what_mattered_and_what_it_cost(site, tuned):
    page = (site / "tuned" / "tuning.html").read_text()
    for part in (
        "What mattered",
        "Criterion and labels",
        "points below the trial that is best by test labels",
    ):
        assert part in page
    assert page.count("<circle") >= 12


def test_trials_can_be_added_and_none_is_repeated(site, tuned):
    shutil.copytree(site / "tuned", site / "more")
    before = table(site, "more")
    done = tune(site, "more", trials=7)
    assert done.stderr.count("trial ") == 1
    assert table(site, "more")[:6] == before
    assert len(table(site, "more")) == 7


@pytest.mark.slow
def test_several_at_once_are_the_same_each_time(site):
    for out in ("two", "two-again"):
        done = tune(site, out, "--jobs", "2", trials=4)
        assert done.returncode == 0, done.stderr
    assert table(site, "two") == table(site, "two-again")
    assert len(table(site, "two")) == 4


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_killed_and_resumed_it_tries_the_same(site, tuned):
    command = [sys.executable, "-m", "vicreg_core", "tune", RECIPE, *SHORT, "--trials", "6"]
    command += ["--out", "killed", "--space", "space.yaml"]
    for kind in (signal.SIGKILL, signal.SIGINT):
        assert "Traceback" not in stopped_after(command, site, "trial ", kind)
    done = tune(site, "killed", trials=6)
    assert done.returncode == 0, done.stderr
    assert table(site, "killed") == table(site, "tuned")


@pytest.mark.parametrize("number", [0, 2, 7])
def test_a_trial_that_was_half_drawn_is_drawn_to_its_end_as_if_it_had_not_been_cut(number):
    """A kill between two values leaves a running trial with some of them."""
    import optuna

    space = read_space_of(SPACE)
    recipe = load_recipe("vision/quickstart")

    def study_of(count):
        made = optuna.create_study(direction="maximize")
        for i in range(count):
            (trial,) = drawn(space, recipe, made, 1)
            made.tell(trial.number, float(trial.params["optimizer.lr"]) + i)
        return made

    (expected,) = drawn(space, recipe, study_of(number), 1)
    cut = study_of(number)
    half = {name: dist for name, dist in space.distributions().items() if name.startswith("o")}
    cut.sampler = optuna.samplers.PartialFixedSampler(expected.params, optuna.samplers.RandomSampler())
    trial = cut.ask(half)
    assert len(trial.params) < len(expected.params)
    found = drawn_whole(space, recipe, cut, cut.trials[number])
    assert found.params == expected.params


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("optimizer.rate: [1, 2]\n", "optimizer.rate"),
        ("optimizer.lr: [1e-3, fast]\n", "optimizer.lr"),
        ("optimizer.lr: {from: 2, to: 1}\n", "space.yaml:1: optimizer.lr: Value error, expected from < to"),
        ("optimizer.lr: 3\n", "expected {from: LOW, to: HIGH, log: true} or a list of values, got 3"),
        ("train.epochs: [3]\n", "a list of one value tries nothing"),
        ("- a\n", "names no keys"),
        ("a: [\n", "--space: "),
    ],
)
def test_mistakes_in_a_space_are_one_message(site, tmp_path, text, message):
    path = tmp_path / "space.yaml"
    path.write_text(text)
    done = tune(site, "bad", space=str(path))
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (site / "bad").exists()


def test_a_folder_of_other_trials_is_left_alone(site, tuned):
    for more, message in (
        (["train.epochs=1"], "trials of another recipe"),
        (["--by", "rankme"], "trials of another --by"),
    ):
        done = tune(site, "tuned", *more)
        assert done.returncode == 2
        assert message in done.stderr


@pytest.mark.slow
def test_trials_that_are_behind_are_stopped_and_never_chosen(site):
    wide = "optimizer.lr: {from: 1e-6, to: 1e-2, log: true}\n"
    (site / "wide.yaml").write_text(wide)
    more = ["--by", "probe", "--prune", "train.epochs=4", "monitor.probes=4"]
    for out, jobs in (("pruned", "1"), ("pruned-two", "2"), ("pruned-two-again", "2")):
        done = tune(site, out, *more, "--jobs", jobs, trials=12, space="wide.yaml")
        assert done.returncode == 0, done.stderr
        rows = table(site, out)
        stopped = [row for row in rows if row["pruned"]]
        assert stopped
        assert all(row["trial"] >= 5 and row["probe"] is None for row in stopped)
        assert f"{len(stopped)} of 12 trials were stopped early" in done.stdout
        whole = [row for row in rows if not row["pruned"] and not row["collapsed"]]
        best = max(whole, key=lambda row: row["probe"])
        assert f"trial {best['trial']} has the best probe" in done.stdout
        assert "is behind the median" in (site / out / "runs" / _name(stopped[0]) / "train.log").read_text()
    assert table(site, "pruned-two") == table(site, "pruned-two-again")
    again = tune(site, "pruned", *more, trials=12, space="wide.yaml")
    assert again.stderr == ""
    assert "were stopped early" in again.stdout


def _name(row):
    return f"trial-{row['trial']:03d}"


def test_a_criterion_of_the_end_stops_no_trial_early(site):
    done = tune(site, "no", "--prune")
    assert done.returncode == 2
    assert "lidar is measured at the end of a run alone" in done.stderr
    assert "--by rankme or --by probe" in done.stderr
    assert not (site / "no").exists()


def test_a_collapsed_trial_is_never_chosen():
    trials = [
        Trial(0, {}, Figures(lidar=5.0, accuracy=0.7)),
        Trial(1, {}, Figures(lidar=9.0, collapsed=True)),
        Trial(2, {}, Figures(lidar=3.0, accuracy=0.8, alpha_req=1.1)),
        Trial(3, {}, Figures(lidar=8.0, pruned=True)),
    ]
    chosen = best_of(trials, "lidar")
    assert chosen is trials[0]
    assert regret_of(trials, chosen) == pytest.approx(0.1)
    assert best_of(trials, "alpha-req") is trials[2]
    assert best_of(trials, "probe") is None


def test_the_default_space_lies_around_the_recipe():
    space = default_space(load_recipe("vision/quickstart", ["objective.covariance=0"]))
    lr = space.keys["optimizer.lr"]
    assert (lr.low, lr.high) == pytest.approx((3e-4, 3e-2))
    assert "objective.variance" in space.keys
    assert "objective.covariance" not in space.keys
    assert space.keys["projector.dims"] == [[256, 256], [512, 512], [1024, 1024]]
    space.check("vision/quickstart", ())
