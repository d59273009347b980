"""What an audit found, on the page."""

from __future__ import annotations

import dataclasses

from tests.report.fixtures import MALICE, record
from vicreg_core.report.page import render_run
from vicreg_core.report.sections.audit import audit_section

PNG = {"png": "aGVyb24="}


def tile(name: str, **more: str) -> dict[str, str]:
    return {"id": name, "split": "train", "label": "bird", **more}


AUDIT = {
    "format": 1,
    "samples": 300,
    "duplicates": 4,
    "across": 2,
    "doubts": 7,
    "outliers": 1,
    "overlaps": [["heron", "stork", 0.25]],
    "groups": {"groups": 9, "by_group": 0.9, "by_majority": 0.5, "same_group": 0.4, "expected": 0.1},
    "scores": {"knn": 0.9, "knn_without": 0.8, "leaked": 2.0, "test": 50.0},
    "shown": {
        "duplicates": [[tile("a", **PNG), tile("b", **PNG)]],
        "labels": [[tile("c", text="a heron stands"), tile("d", text=MALICE)]],
        "outliers": [[tile("e")], [tile("f", label="")]],
    },
}


def test_what_was_found_is_told_and_shown():
    page = str(render_run(dataclasses.replace(record(), audit=AUDIT)))
    assert "4 pairs of near-duplicates among 300 samples, 2 across" in page
    assert "kNN accuracy is 90.0%, and 80.0% without the 2 test samples" in page
    assert "25% of the neighbours of heron are stork" in page
    assert "The 9 groups tell the label of 90.0%" in page
    assert "data:image/png;base64,aGVyb24=" in page
    assert "a heron stands" in page
    assert MALICE not in page


def test_nothing_across_says_nothing_of_scores():
    quiet = AUDIT | {"across": 0, "groups": None, "doubts": 0, "overlaps": [], "shown": {}}
    section = str(audit_section(dataclasses.replace(record(), audit=quiet)))
    assert "kNN accuracy" not in section
    assert "groups" not in section


def test_a_run_that_was_not_audited_has_no_such_section():
    assert audit_section(record()) is None
