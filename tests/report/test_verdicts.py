from __future__ import annotations

import pytest

from tests.report.fixtures import RECIPE, evaluation, metrics, record
from vicreg_core.report.scores import headlines
from vicreg_core.report.verdicts import verdicts


def said(tone=None, **changes) -> str:
    return "\n".join(v.text for v in verdicts(record(**changes)) if tone in (None, v.tone))


def test_a_good_run_clears_its_floors_and_has_not_collapsed():
    text = said("good")
    assert "clears its floors; the highest of them, 55.0\u202f% of raw features" in text
    assert "No collapse: the effective rank of the embedding went from 68.9 to 95.9" in text
    assert not said("problem")
    assert not said("warning")


@pytest.mark.parametrize(("value", "tone", "words"), [
    (0.50, "problem", "does not clear its floor: 55.0\u202f% of raw features"),
    (0.56, "warning", "not clearly above its floor"),
    (0.60, "good", "clears its floors"),
])  # fmt: skip
def test_the_floor_is_judged_by_the_interval(value, tone, words):
    assert words in said(tone, evaluation=evaluation(value, 0.55))


def test_collapse_names_step_figures_and_remedy():
    text = said("problem", metrics=metrics(collapse_from=700))
    assert "Dimensional collapse was seen from step 700" in text
    assert "fell from 95.0 to 11.0" in text
    assert "objective.variance" in text


def test_a_collapse_that_recovered_is_a_warning():
    logged = metrics(collapse_from=700)
    for each in logged:
        if each["step"] > 900:
            each |= {"collapse": None, "embedding_effective_rank": 90.0}
    assert "it recovered by step 920" in said("warning", metrics=logged)
    assert "collapse" not in said("problem", metrics=logged).lower()


def test_covariance_is_read_above_its_floor():
    logged = metrics()
    logged[-1] |= {"covariance_floor": 31.1, "covariance_excess": 2.0}
    text = said("note", metrics=logged)
    assert "33.1, the floor makes up 31.1" in text
    assert "batch of 256" in text
    logged[-1] |= {"covariance_floor": 0.0, "covariance_excess": 2.0}
    assert "floor makes up" not in said(metrics=logged)
    logged[-1] |= {"covariance_floor": 1.0, "covariance_excess": -0.3}
    assert "branch, 0.700, lies below its floor of 1.00, which holds at unit variance" in said(
        "note", metrics=logged
    )


def test_leaking_groups_are_a_warning_and_others_are_not():
    scores = evaluation()
    scores["protocols"]["linear"]["leakage"] = {
        "accuracy_groups_apart": 0.70,
        "accuracy_groups_ignored": 0.92,
    }
    assert "Groups leak" in said("warning", evaluation=scores)
    scores["protocols"]["linear"]["leakage"]["accuracy_groups_ignored"] = 0.705
    assert "No sign that groups leak" in said("good", evaluation=scores)


def test_classes_never_found_are_named():
    scores = evaluation()
    scores["protocols"]["linear"]["per_class"][3]["recall"] = 0.0
    assert "never finds cat" in said("warning", evaluation=scores)


def test_a_small_test_set_is_said():
    assert "scored on 60 samples only" in said("note", evaluation=evaluation(n=60))
    assert "samples only" not in said(evaluation=evaluation(n=5_000))


def test_an_unfinished_run_is_said():
    unfinished = {**RECIPE, "train": {"epochs": 40, "steps": None, "batch_size": 256}}
    assert "12.0 of 40 epochs so far" in said("warning", recipe=unfinished)


def test_low_spread_is_measured_against_the_recipes_target():
    wide = {**RECIPE, "objective": {"name": "core/other", "gamma": 4.0}}
    assert "4.00 is asked: it spreads less" in said("warning", recipe=wide)


@pytest.mark.parametrize("convention", ["official", "paper"])
def test_low_spread_where_the_terms_balance_is_no_fault(convention):
    # Scaled by a, the embedding would cost 25 * 0.10 a^2 + 1 * 1.5 a^4 + 25 * (1 - 0.44 a): least at a = 1.
    branches = 2 if convention == "paper" else 1
    low = {"embedding_std_median": 0.44, "invariance": 0.10, "variance": branches * 0.56, "covariance": 1.5}
    weights = {"invariance": 25.0, "variance": 25.0 / branches, "covariance": 1.0, "gamma": 1.0}
    recipe = {**RECIPE, "objective": {"name": "core/vicreg", **weights, "convention": convention}}
    balanced = [*metrics()[:-1], metrics()[-1] | low]
    assert "in balance with invariance (45\u202f%)" in said("note", recipe=recipe, metrics=balanced)
    assert "covariance (55\u202f%)" in said("note", recipe=recipe, metrics=balanced)
    growing = [*metrics()[:-1], metrics()[-1] | low | {"covariance": 0.5}]
    assert "was still growing" in said("warning", recipe=recipe, metrics=growing)


def test_nothing_known_gives_nothing_said():
    assert verdicts(record(metrics=[], evaluation=None, snapshot=None)) == []


def test_the_most_pressing_comes_first():
    tones = [v.tone for v in verdicts(record(metrics=metrics(collapse_from=700)))]
    assert tones[0] == "problem"
    assert tones.index("good") < tones.index("note")


def test_a_probe_that_fell_is_a_warning():
    assert "probe was best" not in said()
    logged = metrics()
    logged[-1] |= {"probe_knn": 0.5, "probe_n": 500}
    assert "best at step 800" in said("warning", metrics=logged)
    logged[-1]["probe_n"] = 10
    assert "probe was best" not in said(metrics=logged)


def test_a_headline_is_judged_by_the_interval_of_its_own_metric():
    row = {"metric": "balanced_accuracy", "balanced_accuracy": 0.8, "balanced_accuracy_interval": [0.7, 0.9]}
    other = {"accuracy": 0.9, "interval": [0.88, 0.92], "n": 100}
    floor = {"metric": "balanced_accuracy", "balanced_accuracy": 0.75}
    (found,) = headlines(
        {"protocols": {"linear": row | other}, "baselines": {"raw_features": {"linear": floor}}}
    )
    assert found.encoder.interval == (0.7, 0.9)
    assert found.clears is False
