"""What a longer run would bring, read from the curve of the online probe."""

from __future__ import annotations

import pytest

from vicreg_core.runs.outlook import outlook


def curve(*scores: float, n: int = 500) -> list[dict[str, object]]:
    logged: list[dict[str, object]] = [{"step": 5}]
    for number, score in enumerate(scores, start=1):
        logged += [{"step": 100 * number, "probe_knn": score, "probe_n": n}, {"step": 100 * number + 50}]
    return logged


@pytest.mark.parametrize(("scores", "trend", "words"), [
    ((0.3, 0.40, 0.45, 0.5), "rises", "0.400 at step 200 to 0.500 at step 400: a run twice as long"),
    ((0.3, 0.49, 0.50, 0.5), "level", "within the error of its 500 samples"),
    ((0.3, 0.60, 0.55, 0.5), "falls", "a shorter run"),
])  # fmt: skip
def test_the_second_half_of_the_run_tells(scores, trend, words):
    ahead = outlook(curve(*scores))
    assert ahead is not None
    assert ahead.trend == trend
    assert words in str(ahead)


def test_few_samples_tell_little():
    ahead = outlook(curve(0.3, 0.40, 0.45, 0.5, n=20))
    assert ahead is not None
    assert ahead.trend == "level"


def test_a_run_without_a_curve_has_no_outlook():
    assert outlook([]) is None
    assert outlook([{"step": 10}, {"step": 20}]) is None
    assert outlook(curve(0.3, 0.4, 0.5)) is None
