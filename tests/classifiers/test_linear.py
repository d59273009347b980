"""The linear probe: scikit-learn's answers, choices made on training samples, folds along groups."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.evaluation.arrays import blobs, subject
from vicreg_core.classifiers import linear
from vicreg_core.classifiers.linear import PENALTY_GRID, UNTUNED_C, fit_tuned, linear_probe
from vicreg_core.classifiers.preparation import UNIT_LENGTH, preparations
from vicreg_core.evaluation.protocols.linear import LinearProbe


def test_equals_scikit_learn_at_the_chosen_preparation_and_penalty():
    from sklearn.linear_model import LogisticRegression

    train, labels, test, _ = blobs(n=300, spread=2.0)
    ours = linear_probe(train, labels, test, 3)
    prepare = preparations(torch.from_numpy(train))[ours.classifier.way]
    made, made_test = (prepare(torch.from_numpy(x)).double().numpy() for x in (train, test))
    theirs = LogisticRegression(C=ours.classifier.c, tol=1e-8, max_iter=5000).fit(made, labels)
    np.testing.assert_allclose(ours.probabilities, theirs.predict_proba(made_test), atol=2e-3)
    assert (ours.probabilities.argmax(axis=1) == theirs.predict(made_test)).all()


@pytest.mark.parametrize("way", ["as is", "unit length", "standardised", "whitened"])
def test_what_held_out_folds_say_equals_scikit_learn(monkeypatch, way):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    from vicreg_core.classifiers.folds import assign_folds

    monkeypatch.setattr(linear, "_CV_TOLERANCE", 1e-5)
    train, labels, _, _ = blobs(n=300, spread=2.0)
    ways = {way: preparations(torch.from_numpy(train))[way]}
    target = torch.from_numpy(labels)
    ours = fit_tuned(torch.from_numpy(train), target, 3, ways=ways, seed=4).cross_validated[way]
    assert len(ours) >= 2
    features, fold = ways[way](torch.from_numpy(train)).numpy(), assign_folds(labels, None, 5, seed=4)
    for c, said in ours.items():
        shares = np.zeros((len(labels), 3))
        for held in range(5):
            model = LogisticRegression(C=c, tol=1e-8, max_iter=5000)
            shares[fold == held] = model.fit(features[fold != held], labels[fold != held]).predict_proba(
                features[fold == held]
            )
        shares /= shares.sum(axis=1, keepdims=True)
        assert said.log_loss == pytest.approx(log_loss(labels, shares), abs=1e-3)
        assert said.accuracy == pytest.approx((shares.argmax(1) == labels).mean(), abs=1.5 / len(labels))


def test_the_best_of_all_ways_and_penalties_is_chosen():
    train, labels, _, _ = blobs(n=300, spread=2.0)
    # One dimension drowns the others, so that only a way that rescales them can read the labels.
    train[:, 0] += 1000 * np.random.default_rng(0).normal(size=len(train)).astype(np.float32)
    features, target = torch.from_numpy(train), torch.from_numpy(labels)
    tuned = fit_tuned(features, target, 3, ways=preparations(features))
    said = {(way, c): one.log_loss for way, by in tuned.cross_validated.items() for c, one in by.items()}
    assert set(tuned.cross_validated) == {"as is", "unit length", "standardised", "whitened"}
    assert (tuned.way, tuned.c) == min(said, key=lambda choice: said[choice])
    assert tuned.way in ("standardised", "whitened")


def test_the_valley_of_the_log_loss_is_found_from_wherever_the_search_begins():
    train, labels, _, _ = blobs(n=200, dims=30, spread=8.0)
    features, target = torch.from_numpy(train), torch.from_numpy(labels)
    way = preparations(features)["standardised"](features)
    folds = linear._Folds.of(target, None, 0)
    assert folds is not None
    found = {
        min(said, key=lambda c: said[c].log_loss)
        for first in PENALTY_GRID
        if (said := linear._cross_validate(way, target, 3, folds, PENALTY_GRID, first))
    }
    assert len(found) == 1
    assert found != {PENALTY_GRID[0]}
    assert found != {PENALTY_GRID[-1]}


def test_many_samples_are_not_all_held_out_and_whole_groups_are():
    labels = torch.arange(2000) % 4
    few, all_groups = linear._Folds.of(labels, None, 0), linear._Folds.of(labels, np.arange(2000) // 10, 0)
    assert few is not None
    assert few.asked == 1
    assert all_groups is not None
    assert all_groups.asked == 5
    small = linear._Folds.of(labels[:100], None, 0)
    assert small is not None
    assert small.asked == 5


def test_the_test_samples_choose_nothing():
    train, labels, test, _ = blobs(spread=2.0)
    first, second = linear_probe(train, labels, test, 3), linear_probe(train, labels, test[:1] * 100, 3)
    assert first.classifier.c == second.classifier.c
    assert first.classifier.way == second.classifier.way
    assert torch.equal(first.classifier.weights.weight, second.classifier.weights.weight)


def test_one_label_a_class_leaves_nothing_to_choose_by():
    features, labels, _, _ = blobs(n=3)
    given = torch.from_numpy(features)
    tuned = fit_tuned(given, torch.from_numpy(labels), 3, ways=preparations(given))
    assert (tuned.way, tuned.c) == (UNIT_LENGTH, UNTUNED_C)
    assert tuned.cross_validated == {}


def leaky(seed=0):
    """Features that give the group away, and labels that follow the group: nothing else is there to learn."""
    generator = np.random.default_rng(seed)
    groups = np.repeat(np.arange(24), 10)
    labels = generator.permutation(np.arange(24) % 2)[groups]
    features = np.eye(24, dtype=np.float32)[groups] * 20 + generator.normal(size=(240, 24)).astype(np.float32)
    return features, labels, groups


def test_a_split_that_ignores_groups_is_shown_up():
    features, labels, groups = leaky()
    result = LinearProbe()(subject(features, labels, features, labels, train_groups=groups))
    assert result["leakage"]["accuracy_groups_ignored"] > result["leakage"]["accuracy_groups_apart"] + 0.2
    assert result["leakage"]["accuracy_groups_apart"] < 0.7
    assert "leakage" not in LinearProbe()(subject(features, labels, features, labels))


def test_protocol_result():
    result = LinearProbe()(subject(*blobs()))
    assert result["metric"] == "accuracy"
    assert result["interval"][0] <= result["accuracy"] <= result["interval"][1]
    assert (result["n"], result["n_train"]) == (60, 120)
    assert f"{result['c']:g}" in result["cross_validated_log_loss"][result["preparation"]]
