"""Scores equal scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest

from vicreg_core.evaluation.metrics.auroc import binary_auroc
from vicreg_core.evaluation.metrics.classification import Tallies, score_classification, tally


def answers(classes=4, n=200, seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.choice(classes, size=n, p=np.arange(1, classes + 1) / (classes * (classes + 1) / 2))
    probabilities = generator.dirichlet(np.ones(classes), size=n) + 0.6 * np.eye(classes)[labels]
    return labels, (probabilities / 1.6).astype(np.float32), [f"c{k}" for k in range(classes)]


@pytest.mark.parametrize("classes", [2, 4])
def test_equal_scikit_learn(classes):
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score

    labels, probabilities, names = answers(classes)
    predicted = probabilities.argmax(axis=1)
    result = score_classification(labels, probabilities, names)
    assert result["accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert result["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, predicted))
    assert result["macro_f1"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert result["confusion"] == confusion_matrix(labels, predicted).tolist()
    for key in ("balanced_accuracy", "macro_f1"):
        low, high = result[f"{key}_interval"]
        assert low < result[key] < high


def test_class_table_equals_scikit_learn():
    from sklearn.metrics import precision_recall_fscore_support

    labels, probabilities, names = answers()
    expected = precision_recall_fscore_support(labels, probabilities.argmax(axis=1))
    table = score_classification(labels, probabilities, names)["per_class"]
    for column, values in zip(("precision", "recall", "f1", "n"), expected, strict=True):
        np.testing.assert_allclose([row[column] for row in table], values)
    assert [row["class"] for row in table] == names


def test_classes_without_samples_do_not_count():
    from sklearn.metrics import balanced_accuracy_score, f1_score

    labels, predicted = np.array([0, 0, 2, 2, 2]), np.array([0, 2, 2, 2, 0])
    of = tally(labels, predicted, 4)
    assert of.balanced_accuracy() == pytest.approx(balanced_accuracy_score(labels, predicted))
    assert of.macro_f1() == pytest.approx(f1_score(labels, predicted, average="macro"))


@pytest.mark.parametrize("decimals", [8, 1])
def test_auroc_equals_scikit_learn_with_and_without_ties(decimals):
    from sklearn.metrics import roc_auc_score

    labels, probabilities, names = answers(2)
    probabilities = probabilities.round(decimals)
    expected = roc_auc_score(labels, probabilities[:, 1])
    assert binary_auroc(labels == 1, probabilities[:, 1]) == pytest.approx(expected)
    result = score_classification(labels, probabilities, names)
    assert result["auroc"] == pytest.approx(expected)
    assert result["auroc_interval"][0] < expected < result["auroc_interval"][1]


def test_auroc_of_two_classes_only_and_of_both_present():
    labels, probabilities, names = answers(3)
    assert "auroc" not in score_classification(labels, probabilities, names)
    labels, probabilities, names = answers(2)
    assert "auroc" not in score_classification(np.ones_like(labels), probabilities, names)


def test_resampling_cells_is_resampling_samples():
    labels, probabilities, names = answers(3, n=400)
    predicted = probabilities.argmax(axis=1)
    ours = score_classification(labels, probabilities, names)
    generator, drawn = np.random.default_rng(1), []
    for _ in range(1000):
        rows = generator.integers(400, size=400)
        drawn.append(tally(labels[rows], predicted[rows], 3))
    stacked = Tallies(*(np.stack(part) for part in zip(*drawn, strict=True)))
    for key in ("balanced_accuracy", "macro_f1"):
        expected = np.percentile(getattr(stacked, key)(), [2.5, 97.5])
        np.testing.assert_allclose(ours[f"{key}_interval"], expected, atol=0.01)


def test_groups_widen_the_interval():
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 20)
    labels = generator.integers(2, size=400)
    right = generator.random(20)[groups] < 0.7
    probabilities = np.eye(2, dtype=np.float32)[np.where(right, labels, 1 - labels)]
    alone = score_classification(labels, probabilities, ["a", "b"])["interval"]
    grouped = score_classification(labels, probabilities, ["a", "b"], groups=groups)["interval"]
    assert grouped[1] - grouped[0] > 2 * (alone[1] - alone[0])


def test_one_group_has_no_interval():
    labels, probabilities, names = answers(2)
    result = score_classification(labels, probabilities, names, groups=np.zeros(200))
    assert result["interval"] is None
    assert result["balanced_accuracy_interval"] is None
    assert result["auroc_interval"] is None


def test_many_classes_leave_the_confusion_out():
    labels, probabilities, names = answers(60, n=500)
    assert "confusion" not in score_classification(labels, probabilities, names)
