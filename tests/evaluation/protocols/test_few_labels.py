"""The protocol few-labels."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.classifiers.blobs import CLASSES, blobs
from vicreg_core.evaluation.protocols.config import FewLabelsConfig
from vicreg_core.evaluation.protocols.few_labels import FewLabels
from vicreg_core.evaluation.subjects.subject import Features, Subject


def subject(n: int = 300, noise: float = 1.0, known: int | None = None) -> Subject:
    vectors, truth = blobs(n, noise)
    test, of_test = blobs(200, noise, seed=7)
    labels = truth.copy()
    if known is not None:
        labels[known:] = -1
    return Subject(
        name="encoder",
        train=Features(ids=np.arange(n), vectors=vectors, labels=labels),
        test=Features(ids=np.arange(200), vectors=test, labels=of_test),
        classes=["a", "b", "c"],
    )


def rows_of(of: Subject, **options) -> dict[str, dict]:
    found = FewLabels(FewLabelsConfig(**options))(of)["rows"]
    return {row["name"]: row for row in found}


def test_a_row_for_each_number_choice_and_classifier():
    rows = rows_of(subject(), labels=(6, 30), draws=3)
    assert list(rows) == [
        f"{n} {how}, {which}"
        for n in (6, 30)
        for how in ("drawn", "suggested")
        for which in ("linear", "fit")
    ]
    for row in rows.values():
        assert row["draws"] == 3
        assert row["n"] == 200
        assert 1 / CLASSES < row["accuracy"] <= 1
        assert row["interval"][0] <= row["accuracy"] <= row["interval"][1]


def test_unlabelled_samples_and_suggestions_help():
    rows = rows_of(subject(), labels=(6,), draws=10)
    assert rows["6 drawn, fit"]["accuracy"] > rows["6 drawn, linear"]["accuracy"]
    assert rows["6 suggested, fit"]["accuracy"] > rows["6 drawn, fit"]["accuracy"]


def test_it_is_a_function_of_the_seed():
    first, again = (rows_of(subject(), labels=(6,), draws=2) for _ in range(2))
    other = rows_of(dataclasses.replace(subject(), seed=3), labels=(6,), draws=2)
    assert first == again
    assert first["6 drawn, fit"] != other["6 drawn, fit"]


def test_only_labels_that_are_there_are_shown():
    rows = rows_of(subject(known=60), labels=(6, 59, 60), draws=2)
    assert {row["n_train"] for row in rows.values()} == {6, 59}


def test_more_labels_than_there_are():
    assert "no more labels" in FewLabels(FewLabelsConfig(labels=(400,)))(subject())["skipped"]


def test_balanced():
    rows = rows_of(subject(), labels=(30,), draws=2, balanced=True)
    assert {row["metric"] for row in rows.values()} == {"balanced_accuracy"}


@pytest.mark.parametrize("options", [{"labels": ()}, {"labels": (1,)}, {"draws": 1}])
def test_options_that_mean_nothing(options):
    with pytest.raises(ValueError, match="validation error"):
        FewLabelsConfig(**options)
