from __future__ import annotations

import json

import pytest

from tests.report.folder import write_run
from vicreg_core.errors import RunError, VicregError
from vicreg_core.report.record import read_run
from vicreg_core.report.timeline import phases
from vicreg_core.report.write import write_comparison, write_report


def test_a_run_is_read_whole(tmp_path):
    record = read_run(write_run(tmp_path / "run"))
    assert record.name == "run"
    assert record.option("train.batch_size") == 256
    assert record.option("train.nothing.there") is None
    assert len(record.metrics) == 60
    assert record.last["step"] == 1200
    assert record.missing == []
    assert [phase.name for phase in record.phases][1] == "training"


def test_what_is_missing_is_said(tmp_path):
    run = write_run(tmp_path / "run")
    for name in ("evaluation.json", "metrics.jsonl", "report-data.json", "environment.json", "train.log"):
        (run / name).unlink()
    said = " ".join(read_run(run).missing)
    assert "No step was logged" in said
    assert "vicreg evaluate" in said
    assert "vicreg report" in said


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"no recipe\.yaml"):
        read_run(tmp_path)


@pytest.mark.parametrize("content", ["- 1\n", "", "train: 3\n", "train: {batch_size: x}\n", "\x00"])
def test_a_damaged_recipe_is_refused(tmp_path, content):
    run = write_run(tmp_path / "run")
    (run / "recipe.yaml").write_text(content)
    with pytest.raises(VicregError, match=r"recipe\.yaml"):
        read_run(run)


@pytest.mark.parametrize("name", ["evaluation.json", "report-data.json", "environment.json", "metrics.jsonl"])
@pytest.mark.parametrize("content", [b"{", b"[]\n", b"{}\n", b"123\n", b"\xff\n", b'{"protocols": 3}\n'])
def test_a_page_is_written_without_what_is_damaged_and_says_so(tmp_path, name, content):
    run = write_run(tmp_path / "run")
    (run / name).write_bytes(content)
    record = read_run(run)
    said = " ".join(record.missing)
    assert f"{name}" in said or (name, content) == ("metrics.jsonl", b"{")
    assert name in write_report(run).read_text() or (name, content) == ("metrics.jsonl", b"{")


def test_a_page_is_rebuilt_without_model_or_data(tmp_path):
    run = write_run(tmp_path / "run")
    page = write_report(run)
    assert page == run / "report.html"
    first = page.read_text()
    assert 'id="map-data"' in first
    assert write_report(run).read_text() == first


def test_data_that_cannot_be_read_costs_the_map_and_says_so(tmp_path):
    run = write_run(tmp_path / "run")
    (run / "report-data.json").unlink()
    (run / "model").mkdir()
    (run / "model" / "config.json").write_text("{}")
    said: list[str] = []
    page = write_report(run, say=said.append).read_text()
    assert "the report goes without map" in said[0]
    assert "There is no snapshot of the samples" in page


def test_several_runs_go_onto_one_page(tmp_path):
    runs = [write_run(tmp_path / name, value=value) for name, value in (("a", 0.8), ("b", 0.6))]
    page = write_comparison(runs, tmp_path / "both.html")
    assert "2 runs side by side" in page.read_text()


def test_time_is_told_apart_and_pauses_are_left_out():
    log = "2023-11-14T22:13:20+00:00  run\n"
    logged = [
        {"step": 10, "samples_per_second": 100.0, "time": 1_700_000_010.0},
        {"step": 20, "samples_per_second": 200.0, "time": 1_700_009_999.0},
    ]
    own, floor = {"knn": {"seconds": 2.0}}, {"raw_features": {"knn": {"seconds": 1.0}}}
    found = phases(log, logged, 50, {"protocols": own, "baselines": floor})
    assert [(phase.name, phase.seconds) for phase in found] == [
        ("setting up", 5.0),
        ("training", 7.5),
        ("evaluating the encoder", 2.0),
        ("evaluating its floors", 1.0),
    ]
    for record, share in zip(logged, (0.5, 0.1), strict=True):
        record["waiting"] = share
    told = [(phase.name, phase.seconds) for phase in phases(log, logged, 50, {})]
    assert told == [("setting up", 5.0), ("reading and making views", 2.75), ("training", 4.75)]
    assert phases("no stamp", [], 50, {}) == []


def test_metrics_of_a_killed_run_are_read_to_the_last_whole_line(tmp_path):
    run = write_run(tmp_path / "run")
    with (run / "metrics.jsonl").open("a") as stream:
        stream.write(json.dumps({"step": 2000})[:5])
    assert read_run(run).last["step"] == 1200
