"""Whether a score clears its floors is said in words."""

from __future__ import annotations

import pytest

from vicreg_core.evaluation.verdict import Score, judge, scores_of


def score(value, interval=(0.0, 0.0), **more):
    return Score("linear", "accuracy", value, interval, 100, True)._replace(**more)


@pytest.mark.parametrize(
    ("value", "interval", "clears", "words"),
    [
        (0.60, (0.55, 0.65), True, "clears its floors; the highest is 0.500, of raw features"),
        (0.52, (0.47, 0.57), False, "not clearly above its floor: 0.500 of raw features lies within"),
        (0.45, (0.40, 0.55), False, "does NOT clear its floor: 0.500 of raw features alone"),
        (0.50, (0.40, 0.60), False, "does NOT clear its floor"),
        (0.60, None, True, "clears its floors"),
    ],
)
def test_words(value, interval, clears, words):
    floors = {"random_encoder": score(0.4), "raw_features": score(0.5)}
    judged = judge(score(value, interval), floors)
    assert judged["clears_floors"] is clears
    assert words in judged["verdict"]
    assert f"linear: accuracy {value:.3f}" in judged["verdict"]


def test_the_untrained_encoder_is_named():
    judged = judge(score(0.3), {"random_encoder": score(0.4)})
    assert "0.400 of the untrained encoder alone" in judged["verdict"]


def test_no_floor_and_no_comparison_no_verdict():
    assert judge(score(0.9), {}) == {}
    assert judge(score(0.9, comparable=False), {"raw_features": score(0.1)}) == {}


def test_headlines_of_results():
    single = {"metric": "accuracy", "accuracy": 0.5, "interval": [0.4, 0.6], "n": 10, "k": 20}
    assert list(scores_of("knn", single)) == [Score("knn", "accuracy", 0.5, (0.4, 0.6), 10, True)]
    rows = {
        "rows": [{"name": "1 %", "metric": "map", "map": 0.2, "interval": None, "n": 3}],
        "comparable": False,
    }
    assert list(scores_of("x", rows)) == [Score("x: 1 %", "map", 0.2, None, 3, False)]
    balanced = {"metric": "b", "b": 0.3, "b_interval": [0.2, 0.4], "interval": [0.8, 0.9], "n": 3}
    assert list(scores_of("x", balanced)) == [Score("x", "b", 0.3, (0.2, 0.4), 3, True)]
    assert list(scores_of("knn", {"skipped": "no labels"})) == []
