"""From suggestions over labels to decisions, as typed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.decisions.conftest import read_csv, write_labels
from tests.evaluation.toy import Points, PointsConfig, make_run
from vicreg_core.decisions.answers import predict_run
from vicreg_core.pretrained import load


def test_the_whole_road(run, vicreg, truth, tmp_path):
    """Suggest, label, fit, predict."""
    out = tmp_path / "to-label.csv"
    done = vicreg("suggest", run, "--n", 12, "--out", out)
    assert done.exit_code == 0, done.output
    rows = read_csv(out)
    assert [list(row) for row in rows] == [["id", "label", "rank", "why"]] * 12
    assert {row["why"] for row in rows} == {"typical"}
    assert "12 samples to label" in done.stdout

    labels = write_labels(tmp_path / "labels.csv", {row["id"]: truth[row["id"]] for row in rows})
    done = vicreg("fit", run, "--labels", labels)
    assert done.exit_code == 0, done.output
    assert "from 12 labels of 60 samples" in done.stdout
    assert "estimated accuracy" in done.stdout
    assert "the same on raw features" in done.stdout
    assert "the same on random encoder" in done.stdout

    done = vicreg("predict", run, "--out", tmp_path / "p.csv")
    assert done.exit_code == 0, done.output
    answers = read_csv(tmp_path / "p.csv")
    assert len(answers) == 60
    for row in answers:
        shares = [float(value) for name, value in row.items() if name.startswith("p_")]
        assert sum(shares) == pytest.approx(1, abs=1e-4)
        assert float(row["probability"]) == pytest.approx(max(shares))
        assert row["nearest_labelled"] in {each["id"] for each in rows}
        assert not row["set"] or row["prediction"] in row["set"].split("|")


def test_a_model_predicts_what_the_command_says(known, vicreg, tmp_path):
    done = vicreg("fit", known, "--no-floors", "--coverage", 0.8)
    assert done.exit_code == 0, done.output
    assert "on 15 held-out samples: accuracy" in done.stdout
    vicreg("predict", known, "--out", tmp_path / "p.csv")
    rows, data = {row["id"]: row for row in read_csv(tmp_path / "p.csv")}, Points(PointsConfig())
    model = load(known)
    names = model.classifier.classes
    shares = model.predict_proba(data.points)
    assert model.predict(data.points).tolist() == [names[k] for k in shares.argmax(axis=1)]
    for place, name in enumerate(data.ids):
        assert rows[name]["prediction"] == names[shares[place].argmax()]
    sets = model.predict_set(data.points)
    assert ["|".join(each) for each in sets] == [rows[name]["set"] for name in data.ids]
    wide = model.predict_set(data.points, coverage=0.99)
    assert all(set(small) <= set(large) for small, large in zip(sets, wide, strict=True))


def test_labelled_samples_are_not_suggested_again(run, vicreg, truth, tmp_path):
    vicreg("suggest", run, "--n", 10, "--out", tmp_path / "a.csv")
    first = [row["id"] for row in read_csv(tmp_path / "a.csv")]
    labels = write_labels(tmp_path / "labels.csv", {name: truth[name] for name in first})
    done = vicreg("suggest", run, "--labels", labels, "--n", 50, "--unsure", 0.5, "--out", tmp_path / "b.csv")
    rows = read_csv(tmp_path / "b.csv")
    assert done.exit_code == 0, done.output
    assert not {row["id"] for row in rows} & set(first)
    assert len(rows) == 50
    assert {row["why"] for row in rows} == {"typical", "unsure"}
    assert all(row["guess"] for row in rows)


def test_no_more_than_there_are(run, vicreg, tmp_path):
    done = vicreg("suggest", run, "--n", 99, "--out", tmp_path / "a.csv")
    assert "only 60 samples can be suggested" in done.stderr
    assert len({row["id"] for row in read_csv(tmp_path / "a.csv")}) == 60


def test_suggestions_are_a_function_of_the_seed(run, vicreg):
    first, again = (vicreg("suggest", run, "--n", 8).stdout for _ in range(2))
    assert first == again
    assert vicreg("suggest", run, "--n", 8, "--seed", 5).stdout != first


def test_at_most_one_of_each_group(run, vicreg, tmp_path):
    groups = dict(zip(Points(PointsConfig()).ids, Points(PointsConfig()).groups, strict=True))
    vicreg("suggest", run, "--n", 99, "--per-group", "--out", tmp_path / "g.csv")
    rows = read_csv(tmp_path / "g.csv")
    assert rows
    assert len({groups[row["id"]] for row in rows}) == len(rows)


def test_only_some_are_labelled_in_the_data_itself(run, vicreg, truth, tmp_path):
    some = {name: kind for place, (name, kind) in enumerate(truth.items()) if place % 2}
    labels = write_labels(tmp_path / "some.csv", some)
    make_run(tmp_path / "partly", f"data.labels={labels}")
    done = vicreg("fit", tmp_path / "partly", "--no-floors")
    assert done.exit_code == 0, done.output
    held = sum(1 for line in done.stdout.splitlines() if "held-out samples" in line)
    assert held == 1
    kept = json.loads((tmp_path / "partly" / "classifier" / "config.json").read_text())
    assert set(kept["labelled"]) <= set(some)
    done = vicreg("evaluate", tmp_path / "partly", "--protocol", "knn")
    assert done.exit_code == 0, done.output
    assert "labelled: classifiers learn from those" in done.stdout
    vicreg("embed", tmp_path / "partly", "--out", tmp_path / "v.csv")
    rows = read_csv(tmp_path / "v.csv")
    assert {row["id"] for row in rows if row["label"]} == set(some)


@pytest.mark.parametrize("command", ["suggest", "fit"])
def test_a_file_of_labels_that_cannot_be_used(run, vicreg, tmp_path, command):
    for text, says in [
        ("id,label\nnobody,a\n", "none of the 1 rows"),
        ("name,kind\nx,a\n", "expected label and id"),
        ("id,label\n", "has a label"),
    ]:
        (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
        done = vicreg(command, run, "--labels", tmp_path / "labels.csv")
        assert done.exit_code == 2
        assert says in done.stderr
        assert "Traceback" not in done.output
    assert not (run / "classifier").exists()


def test_nothing_or_one_class_is_labelled(run, vicreg, truth, tmp_path):
    done = vicreg("fit", run)
    assert "has no label" in done.stderr
    assert "vicreg suggest" in done.stderr
    one = next(iter(truth.values()))
    labels = write_labels(tmp_path / "one.csv", {name: kind for name, kind in truth.items() if kind == one})
    done = vicreg("fit", run, "--labels", labels)
    assert done.exit_code == 2
    assert f"labels every sample {one!r}" in done.stderr


def test_a_class_with_a_single_label(run, vicreg, truth, tmp_path):
    kinds = sorted(set(truth.values()))
    names = {name: kind for name, kind in truth.items() if kind != kinds[0]}
    names |= {next(name for name, kind in truth.items() if kind == kinds[0]): kinds[0]}
    done = vicreg("fit", run, "--labels", write_labels(tmp_path / "l.csv", names), "--no-floors")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("propagation from")
    assert f"a single label of {kinds[0]}" in done.stdout


def test_predict_without_or_with_another_models_classifier(known, vicreg, tmp_path):
    done = vicreg("predict", known, "--out", tmp_path / "p.csv")
    assert done.exit_code == 2
    assert "has no classifier; make one with: vicreg fit" in done.stderr
    vicreg("fit", known, "--no-floors")
    make_run(tmp_path / "other", "encoder.width=4")
    (known / "classifier").rename(tmp_path / "other" / "classifier")
    done = vicreg("predict", tmp_path / "other", "--out", tmp_path / "p.csv")
    assert done.exit_code == 2
    assert "was fitted to another model" in done.stderr
    assert not (tmp_path / "p.csv").exists()


def test_cells_that_a_spreadsheet_would_run(run, vicreg, truth, tmp_path):
    kinds = {kind: f"={place}+1" for place, kind in enumerate(sorted(set(truth.values())))}
    labels = write_labels(tmp_path / "l.csv", {name: kinds[kind] for name, kind in truth.items()})
    vicreg("fit", run, "--labels", labels, "--no-floors")
    vicreg("predict", run, "--out", tmp_path / "p.csv")
    assert all(row["prediction"].startswith("'=") for row in read_csv(tmp_path / "p.csv"))


def test_a_new_fit_takes_the_place_of_the_old(known, vicreg):
    vicreg("fit", known, "--no-floors", "--method", "linear")
    before = load(known).classifier
    assert before.method.startswith("linear")
    vicreg("fit", known, "--no-floors", "--method", "prototype")
    assert load(known).classifier.method == "prototype"
    assert np.isfinite(load(known).predict_proba(Points(PointsConfig()).points)).all()


@pytest.mark.parametrize("form", ["csv", "parquet", "npz", "h5ad"])
@pytest.mark.parametrize("vectors", [True, False])
def test_answers_in_every_format(known, vicreg, tmp_path, form, vectors):
    if form == "h5ad":
        pytest.importorskip("anndata")
    vicreg("fit", known, "--no-floors")
    done = vicreg("predict", known, "--out", tmp_path / f"p.{form}", *(["--vectors"] if vectors else []))
    assert done.exit_code == 0, done.output
    assert (tmp_path / f"p.{form}").stat().st_size > 0
    if form == "parquet":
        import pyarrow.parquet

        names = pyarrow.parquet.read_schema(tmp_path / "p.parquet").names
        assert {"prediction", "set", "unfamiliar"} <= set(names)
        assert ("vector" in names) == vectors


def test_a_column_of_the_data_called_like_an_answer_is_kept(known, vicreg, monkeypatch):
    vicreg("fit", known, "--no-floors")
    build = Points.__init__

    def called(self, *given):
        build(self, *given)
        self.metadata = {"probability": list(range(60))}

    monkeypatch.setattr(Points, "__init__", called)
    found = predict_run(known, "train").columns
    assert max(found["metadata_probability"]) > 1
    assert 0 < max(found["probability"]) <= 1


def test_too_few_labels_to_rule_anything_out(run, vicreg, truth, tmp_path):
    few = dict(list(truth.items())[:6])
    labels = write_labels(tmp_path / "l.csv", few)
    done = vicreg("fit", run, "--labels", labels, "--no-floors")
    assert "at a coverage of 0.9 no class can be ruled out with fewer than 9 labels" in done.stdout
    assert "fewer than" not in vicreg("fit", run, "--labels", labels, "--no-floors", "--coverage", 0.5).stdout
    vicreg("fit", run, "--labels", labels, "--no-floors")
    vicreg("predict", run, "--out", tmp_path / "p.csv")
    assert {row["set"] for row in read_csv(tmp_path / "p.csv")} == {"|".join(sorted(set(few.values())))}
