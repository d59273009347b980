from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from tests.report.folder import write_run
from vicreg_core.cli.explore import atlas_arguments
from vicreg_core.cli.main import cli
from vicreg_core.errors import RunError
from vicreg_core.evaluation.vector_files import VectorTable, write_vectors


def invoke(*arguments):
    return CliRunner().invoke(cli, [str(each) for each in arguments])


def test_report_writes_the_page_of_a_run(tmp_path):
    run = write_run(tmp_path / "run")
    result = invoke("report", run)
    assert result.exit_code == 0, result.output
    assert str(run / "report.html") in result.output
    assert (run / "report.html").read_text().startswith("<!doctype html>")


def test_report_of_several_runs_goes_where_it_is_told(tmp_path):
    runs = [write_run(tmp_path / name) for name in "abc"]
    result = invoke("report", *runs, "--out", tmp_path / "all.html")
    assert result.exit_code == 0, result.output
    assert "3 runs side by side" in (tmp_path / "all.html").read_text()
    assert not (runs[0] / "report.html").exists()


def test_report_of_no_run_is_the_users_mistake(tmp_path):
    result = invoke("report", tmp_path)
    assert result.exit_code == 2
    assert "no recipe.yaml" in result.output


def test_refresh_takes_one_run(tmp_path):
    result = invoke("report", write_run(tmp_path / "a"), write_run(tmp_path / "b"), "--refresh")
    assert result.exit_code == 2
    assert "one run" in result.output


def test_rebuilding_a_page_needs_no_torch(tmp_path):
    run = write_run(tmp_path / "run")
    code = (
        "import sys; from pathlib import Path; from vicreg_core.report.write import write_report\n"
        f"write_report(Path({str(run)!r}))\n"
        "sys.exit(','.join({'torch', 'numpy'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_explore_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = invoke("explore", write_run(tmp_path / "run"))
    assert result.exit_code == 2
    assert "pip install 'vicreg-suite[explore]'" in result.output


def test_explore_says_how_to_write_the_vectors(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    run = write_run(tmp_path / "run")
    result = invoke("explore", run)
    assert result.exit_code == 2
    assert f"vicreg embed {run} --out {run / 'embeddings.parquet'}" in result.output


def test_explore_stays_on_the_loopback_and_names_the_columns_there_are(tmp_path):
    file = tmp_path / "x.parquet"
    vectors = np.zeros((2, 3), np.float32)
    write_vectors(file, VectorTable({"id": ["a", "b"], "text": ["one", "two"]}, vectors))
    given = atlas_arguments(file, 5055)
    assert given[0] == str(file)
    assert given[given.index("--host") + 1] == "127.0.0.1"
    assert given[given.index("--vector") + 1] == "vector"
    assert given[given.index("--text") + 1] == "text"
    assert "--x" not in given


def test_explore_refuses_a_file_without_vectors(tmp_path):
    import pyarrow
    import pyarrow.parquet

    file = tmp_path / "x.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"id": ["a"]}), file)
    with pytest.raises(RunError, match="no column 'vector'"):
        atlas_arguments(file, 5055)
    file.write_text("no parquet")
    with pytest.raises(RunError, match="parquet"):
        atlas_arguments(file, 5055)
