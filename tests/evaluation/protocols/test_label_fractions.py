"""Draws of few labels: stratified, the same for every subject, scored on all test samples."""

from __future__ import annotations

import numpy as np
import pytest

from tests.evaluation.arrays import blobs, subject
from vicreg_core.classifiers.linear import linear_probe
from vicreg_core.evaluation.protocols.config import LabelFractionsConfig, LinearConfig
from vicreg_core.evaluation.protocols.label_fractions import LabelFractions, label_budgets
from vicreg_core.evaluation.protocols.linear import LinearProbe

LABELS = np.random.default_rng(0).choice(3, size=1000, p=[0.6, 0.3, 0.1])


def budgets(labels=LABELS, seed=0):
    return {budget.name: budget.draws for budget in label_budgets(labels, seed)}


def test_budgets_and_draws():
    found = budgets()
    assert {name: len(draws) for name, draws in found.items()} == {
        "1 per class": 10,
        "10 per class": 10,
        "1 %": 5,
        "10 %": 5,
        "all": 1,
    }
    for draw in found["10 per class"]:
        assert np.bincount(LABELS[draw]).tolist() == [10, 10, 10]
        assert len(set(draw)) == 30
    for draw in found["10 %"]:
        np.testing.assert_allclose(np.bincount(LABELS[draw]), np.bincount(LABELS) / 10, atol=0.5)
    assert np.array_equal(found["all"][0], np.arange(1000))


def test_draws_differ_and_depend_on_labels_and_seed_alone():
    first, again, other = budgets()["10 %"], budgets()["10 %"], budgets(seed=1)["10 %"]
    assert len({tuple(draw) for draw in first}) == 5
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_budgets_that_ask_for_all_there_is_are_left_out():
    assert list(budgets(np.array([0, 0, 1, 1]))) == ["1 per class", "1 %", "10 %", "all"]
    assert list(budgets(np.array([0, 1]))) == ["all"]


def test_a_fraction_has_at_least_one_of_each_class():
    labels = np.array([0] * 500 + [1] * 3)
    assert all((labels[draw] == 1).sum() == 1 for draw in budgets(labels)["1 %"])


def test_all_labels_is_the_linear_probe():
    data = blobs(n=150, spread=3.0)
    rows = {row["name"]: row for row in LabelFractions()(subject(*data))["rows"]}
    probabilities = linear_probe(*data[:3], 3).probabilities
    assert rows["all"]["accuracy"] == pytest.approx((probabilities.argmax(axis=1) == data[3]).mean())
    assert rows["all"]["interval_over"] == "test samples"


def test_more_labels_are_better_and_intervals_hold_their_mean():
    rows = LabelFractions()(subject(*blobs(n=300, spread=2.0)))["rows"]
    means = {row["name"]: row["accuracy"] for row in rows}
    assert means["1 per class"] < means["10 per class"] < means["all"]
    for row in rows:
        assert row["interval"][0] <= row["accuracy"] <= row["interval"][1]


def test_groups_are_allowed():
    data = blobs(n=150)
    groups = np.arange(150) // 6
    rows = LabelFractions()(subject(*data, train_groups=groups, test_groups=np.arange(75) // 5))["rows"]
    assert len(rows) == 5


def test_balanced_decisions_find_the_rare_class_and_leave_the_ranking():
    rng = np.random.default_rng(0)
    labels, held = (rng.choice(2, size=600, p=[0.93, 0.07]) for _ in range(2))
    train, test = (rng.normal(size=(600, 4)) + 1.2 * each[:, None] for each in (labels, held))
    data = subject(train.astype(np.float32), labels, test.astype(np.float32), held)
    plain, balanced = (
        {row["name"]: row for row in LabelFractions(LabelFractionsConfig(balanced=each))(data)["rows"]}
        for each in (False, True)
    )
    assert {row["metric"] for row in balanced.values()} == {"balanced_accuracy"}
    for name in ("10 %", "all"):
        assert balanced[name]["balanced_accuracy"] > plain[name]["balanced_accuracy"] + 0.05
        assert balanced[name]["accuracy"] < plain[name]["accuracy"]
        assert balanced[name]["auroc"] == pytest.approx(plain[name]["auroc"], abs=1e-6)
        low, high = balanced[name]["balanced_accuracy_interval"]
        assert low < balanced[name]["balanced_accuracy"] < high
    linear = LinearProbe(LinearConfig(balanced=True))(data)
    assert linear["metric"] == "balanced_accuracy"
    assert linear["balanced_accuracy"] == balanced["all"]["balanced_accuracy"]
