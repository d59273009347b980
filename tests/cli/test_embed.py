"""``vicreg embed``, as typed."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from click.testing import CliRunner

from tests.evaluation.toy import Points, PointsConfig, make_run
from vicreg_core.cli.main import cli
from vicreg_core.pretrained import load


@pytest.fixture(autouse=True)
def _without_umap(monkeypatch, toy_modality):
    monkeypatch.setattr("vicreg_core.vectors.projection.find_spec", lambda name: None)


@pytest.fixture
def run(tmp_path):
    make_run(tmp_path / "run")
    return tmp_path / "run"


def vicreg(run, *arguments):
    return CliRunner().invoke(cli, ["embed", *map(str, (run, *arguments))])


def read(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_sample_with_all_that_is_known(run, tmp_path):
    done = vicreg(run, "--out", tmp_path / "x.csv")
    assert done.exit_code == 0, done.output
    assert "60 vectors of 8 numbers" in done.stdout
    rows, data = read(tmp_path / "x.csv"), Points(PointsConfig())
    assert {row["split"] for row in rows} == {"train", "test"}
    order = [data.ids.index(row["id"]) for row in rows]
    assert sorted(order) == list(range(60))
    assert [row["label"] for row in rows] == [data.classes[data.labels[i]] for i in order]
    assert [row["group"] for row in rows] == data.groups[order].tolist()
    assert [int(row["row"]) for row in rows] == order
    assert {row["metadata_label"] for row in rows} == {"shadowed"}
    vectors = np.array([[row[f"v{i}"] for i in range(8)] for row in rows], dtype=np.float32)
    assert len({(row["projection_x"], row["projection_y"]) for row in rows}) == 60
    assert "image" not in rows[0]
    np.testing.assert_allclose(vectors, load(run).encode(data.points[order]), atol=1e-6)


@pytest.mark.parametrize(("split", "n"), [("train", 45), ("test", 15), ("all", 60)])
def test_one_part(run, tmp_path, split, n):
    vicreg(run, "--out", tmp_path / "x.npy", "--split", split)
    assert np.load(tmp_path / "x.npy").shape == (n, 8)
    assert len(read(tmp_path / "x.ids.csv")) == n


def test_other_data_is_not_split(run, tmp_path):
    done = vicreg(run, "data.n=20", "data.seed=5", "--out", tmp_path / "x.csv")
    assert done.exit_code == 0, done.output
    rows = read(tmp_path / "x.csv")
    assert [row["id"] for row in rows] == [f"train-{i}" for i in range(20)]
    assert {row["split"] for row in rows} == {"train"}


def test_unlabelled_data(tmp_path):
    make_run(tmp_path / "run", "data.labelled=false")
    assert vicreg(tmp_path / "run", "--out", tmp_path / "x.csv").exit_code == 0
    assert "label" not in read(tmp_path / "x.csv")[0]
    done = vicreg(tmp_path / "run", "--out", tmp_path / "y.csv", "--split", "test")
    assert done.exit_code == 2
    assert "no test split" in done.stderr


def test_a_file_is_replaced_only_when_told(run, tmp_path):
    (tmp_path / "x.ids.csv").write_text("mine")
    done = vicreg(run, "--out", tmp_path / "x.npy")
    assert done.exit_code == 2
    assert "x.ids.csv exists; replace it with --overwrite" in done.stderr
    assert (tmp_path / "x.ids.csv").read_text() == "mine"
    assert vicreg(run, "--out", tmp_path / "x.npy", "--overwrite").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["encoder.width=16"], "encoder.width=... does not apply"),
        (["evaluate.max_train=3"], "does not apply"),
        (["data.nn=3"], "unknown key"),
        (["data.dims=9"], "trained on data with {'dims': 6}, this data has {'dims': 9}"),
        (["data.in_memory=false", "data.bad=3"], "sample train-3 cannot be read"),
    ],
)
def test_mistakes_exit_2_and_write_nothing(run, tmp_path, arguments, message):
    done = vicreg(run, *arguments, "--out", tmp_path / "x.npy")
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert not list(tmp_path.glob("x*"))


def test_an_unknown_format_is_told_before_any_work(tmp_path):
    done = vicreg(tmp_path / "no-run", "--out", tmp_path / "x.xlsx")
    assert done.exit_code == 2
    assert "ends in .parquet, .csv, .npz, .npy" in done.stderr
