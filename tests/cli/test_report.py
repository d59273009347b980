from __future__ import annotations

import subprocess
import sys

from click.testing import CliRunner

from tests.report.folder import write_run
from vicreg_core.cli.main import cli


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
