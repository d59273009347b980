from __future__ import annotations

import json

import pytest

from vicreg_core.cli.output import print_json, print_table, stderr_block

COLUMNS = ["recipe", "status", "summary"]
ROWS = [
    ["vision/quickstart", "ready", "digits, in a minute, on two cores, without any network at all"],
    [
        "text/ag-news",
        "",
        "[bold]markup[/] and :smile: are text as they stand here, whatever else they may be",
    ],
]


def table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str) -> str:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_COLOR", "")
    print_table(COLUMNS, iter(ROWS))
    text = capsys.readouterr().out
    assert "\x1b" not in text
    return text


@pytest.mark.parametrize("columns", ["40", "60", "80", "200"])
def test_a_table_fits_and_loses_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    text = table(capsys, monkeypatch, columns)
    assert max(map(len, text.splitlines())) <= int(columns)
    for row in ROWS:
        for word in " ".join(row).split():
            assert word in text.split()


def test_in_a_pipe_a_row_is_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = table(capsys, monkeypatch, "").splitlines()
    assert len(lines) == 1 + len(ROWS)
    assert all(line.endswith(row[-1]) for line, row in zip(lines[1:], ROWS, strict=True))


def test_a_narrow_table_becomes_blocks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = table(capsys, monkeypatch, "40").splitlines()
    assert lines[:3] == ["vision/quickstart", "  status: ready", "  summary: digits, in a minute, on two"]


def test_a_table_without_rows_is_its_heading(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_table(COLUMNS, [])
    assert capsys.readouterr().out.split() == COLUMNS


def test_json_is_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"é": [1, None]})
    text = capsys.readouterr().out
    assert json.loads(text) == {"é": [1, None]}
    assert "é" in text


def test_a_block_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    stderr_block("Error:", "no\n  such thing")
    assert capsys.readouterr() == ("", "Error: no\n  such thing\n")
