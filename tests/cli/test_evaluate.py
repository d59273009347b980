"""``vicreg evaluate``, as typed."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tests.evaluation.toy import make_run
from vicreg_core.cli.main import cli
from vicreg_core.runs.reading import read_sealed

pytestmark = pytest.mark.usefixtures("toy_modality")


@pytest.fixture
def run(tmp_path):
    make_run(tmp_path / "run")
    return tmp_path / "run"


def vicreg(*arguments):
    return CliRunner().invoke(cli, ["evaluate", *map(str, arguments)])


def test_a_table_with_floors_then_words(run):
    done = vicreg(run)
    assert done.exit_code == 0, done.output
    heading, knn, linear = done.stdout.splitlines()[:3]
    assert heading.split("  ")[0] == "protocol"
    assert "untrained encoder" in heading
    assert "raw features" in heading
    assert knn.split()[:2] == ["knn", "accuracy"]
    assert linear.split()[-1] == "15"
    assert "linear: accuracy" in done.stdout
    assert f"kept in {run / 'evaluation.json'}" in done.stdout
    assert "knn of encoder" in done.stderr


def test_json(run):
    done = vicreg(run, "--protocol", "knn, rank", "--json")
    assert json.loads(done.stdout) == read_sealed(run / "evaluation.json")
    assert set(json.loads(done.stdout)["protocols"]) == {"knn", "rank"}


def test_overrides_are_printed_and_not_kept(run):
    done = vicreg(run, "data.n=80", "--protocol", "knn")
    assert done.exit_code == 0
    assert "kept in" not in done.stdout
    assert not (run / "evaluation.json").exists()


def test_supervised_and_another_encoder_are_columns(run, tmp_path):
    make_run(tmp_path / "other")
    options = ["--supervised", "--beside", tmp_path / "other", "--protocol", "linear"]
    done = vicreg(run, *options)
    assert done.exit_code == 0, done.output
    heading = done.stdout.splitlines()[0]
    assert "supervised training from scratch" in heading
    assert "other" in heading.split()
    assert "training on 45 labels: 8 steps of 8" in done.stderr
    assert f"kept in {run / 'evaluation.json'}" in done.stdout


def test_a_transfer_is_kept_and_shown_with_the_run_from_then_on(run, tmp_path):
    recipe = tmp_path / "toy.yaml"
    done = vicreg(run, "--transfer", recipe, "data.n=80", "--protocol", "knn")
    assert done.exit_code == 0, done.output
    assert f"kept in {run / 'evaluation.json'}" in done.stdout
    later = vicreg(run, "--protocol", "linear").stdout
    own, _, transferred = later.partition(f"transfer to {recipe} data.n=80:")
    assert "linear" in own
    assert "knn" not in own
    assert "knn: accuracy" in transferred


def test_unlabelled_data(tmp_path):
    make_run(tmp_path / "run", "data.labelled=false")
    done = vicreg(tmp_path / "run")
    assert done.exit_code == 0
    assert "knn was not run: it needs labels, and the data has none" in done.stdout
    assert "protocol  metric" not in done.stdout


def test_groups_are_shown_apart_and_ignored(run):
    assert "with groups kept apart" in vicreg(run, "--protocol", "linear").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--protocol", "liner"], "did you mean 'linear'?"),
        (["data.nn=3"], "unknown key"),
        (["--transfer", "toy/nothing"], "there is no recipe 'toy/nothing'"),
        (["--beside", "nowhere"], "nowhere"),
        (["evaluate.protocols=[{name: finetune, fractions: [1.5]}]"], "evaluate.protocols[0].fractions"),
        (["evaluate.supervised={budget: 0}"], "evaluate.supervised.budget"),
        (["--protocol", "other/sts"], "no plugin 'other' is installed"),
    ],
)
def test_mistakes_exit_2(run, arguments, message):
    done = vicreg(run, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_no_run(tmp_path):
    done = vicreg(tmp_path / "nowhere")
    assert done.exit_code == 2
    assert "does not exist" in done.stderr
