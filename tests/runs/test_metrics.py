"""metrics.jsonl: every whole record is kept, every damaged one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from vicreg_core.errors import RunError
from vicreg_core.runs.metrics import MetricsFile, read_metrics


def record(step: int) -> dict[str, object]:
    return {"step": step, "loss": 1.5 / step, "collapse": None, "histogram": [1, 2]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = MetricsFile(tmp_path / "metrics.jsonl")
    for step in (1, 2, 3):
        file.append(record(step))
    return file.path


def test_records_come_back_as_they_were(path: Path):
    assert read_metrics(path) == ([record(1), record(2), record(3)], [])


def test_what_is_not_finite_is_null(tmp_path: Path):
    MetricsFile(tmp_path / "m").append({"step": 1, "loss": float("nan")})
    assert read_metrics(tmp_path / "m").records == [{"step": 1, "loss": None}]


def test_a_last_line_cut_short_is_left_out_without_a_word(path: Path):
    path.write_bytes(path.read_bytes()[:-9])
    assert read_metrics(path) == ([record(1), record(2)], [])


@pytest.mark.parametrize("line", [b"123", b"{}", b"\xff\xfe", b"[1]", b"", b'{"step": 2}', b"[" * 100_000])
def test_a_bad_line_costs_that_line_and_is_named(path: Path, line: bytes):
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], line, *lines[2:]]))
    found = read_metrics(path)
    assert found.records == [record(1), record(3)]
    assert found.damaged == ["line 2: it is not what was written"]


def test_a_changed_digit_is_damage(path: Path):
    path.write_text(path.read_text().replace('"loss": 0.75', '"loss": 0.76'))
    assert read_metrics(path).records == [record(1), record(3)]


def test_a_resume_keeps_the_good_ones_and_says_what_is_lost(path: Path):
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + "123\n" + lines[2])
    said: list[str] = []
    MetricsFile(path).truncate_after(2, said.append)
    assert read_metrics(path) == ([record(1)], [])
    assert len(said) == 1
    assert "line 2" in said[0]


def test_a_folder_in_its_place_is_an_error(tmp_path: Path):
    with pytest.raises(RunError, match="is not a file"):
        read_metrics(tmp_path)
