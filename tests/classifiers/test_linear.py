"""The linear probe: scikit-learn's answers, a penalty chosen on training samples, folds along groups."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.evaluation.arrays import blobs, subject
from vicreg_core.classifiers.linear import UNTUNED_C, fit_tuned, linear_probe
from vicreg_core.classifiers.preprocessing import Standardiser
from vicreg_core.evaluation.protocols.linear import LinearProbe


def test_equals_scikit_learn_at_the_chosen_penalty():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, labels, test, _ = blobs(n=300, spread=2.0)
    ours = linear_probe(train, labels, test, 3)
    classifier = LogisticRegression(C=ours.classifier.c, tol=1e-8, max_iter=5000)
    theirs = make_pipeline(StandardScaler(), classifier).fit(train, labels)
    np.testing.assert_allclose(ours.probabilities, theirs.predict_proba(test), atol=2e-3)
    assert (ours.probabilities.argmax(axis=1) == theirs.predict(test)).all()


def test_cross_validated_accuracy_equals_scikit_learn(monkeypatch):
    from sklearn.linear_model import LogisticRegression

    from vicreg_core.classifiers.folds import assign_folds

    monkeypatch.setattr("vicreg_core.classifiers.linear._CV_TOLERANCE", 1e-5)
    train, labels, _, _ = blobs(n=300, spread=2.0)
    features = Standardiser.fit(torch.from_numpy(train))(torch.from_numpy(train))
    ours = fit_tuned(features, torch.from_numpy(labels), 3, grid=[1e-3, 1.0], seed=4).cross_validated
    fold = assign_folds(labels, None, 5, seed=4)
    for c, score in ours.items():
        right = 0
        for held in range(5):
            model = LogisticRegression(C=c, tol=1e-8, max_iter=5000).fit(
                features[fold != held], labels[fold != held]
            )
            right += (model.predict(features[fold == held]) == labels[fold == held]).sum()
        assert score == pytest.approx(right / len(labels), abs=1 / len(labels))


def test_the_test_samples_choose_nothing():
    train, labels, test, _ = blobs(spread=2.0)
    first, second = linear_probe(train, labels, test, 3), linear_probe(train, labels, test[:1] * 100, 3)
    assert first.classifier.c == second.classifier.c
    assert torch.equal(first.classifier.weights.weight, second.classifier.weights.weight)


def test_the_strongest_penalty_of_equals_wins_and_the_walk_stops():
    features = torch.tensor([[-1.0], [1.0]]).repeat(20, 1)
    labels = torch.tensor([0, 1]).repeat(20)
    tuned = fit_tuned(features, labels, 2)
    assert tuned.c == 1e-5
    noisy, noisy_labels, _, _ = blobs(n=60, dims=40, spread=30.0)
    tuned = fit_tuned(
        torch.from_numpy(noisy), torch.from_numpy(noisy_labels), 3, grid=np.geomspace(1e-5, 1e5, 21)
    )
    scores = list(tuned.cross_validated.values())
    assert len(scores) < 21
    assert max(scores) > max(scores[-2:])


def test_one_label_a_class_has_a_fixed_penalty():
    features, labels, _, _ = blobs(n=3)
    tuned = fit_tuned(torch.from_numpy(features), torch.from_numpy(labels), 3)
    assert tuned.c == UNTUNED_C
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
    assert result["leakage"]["accuracy_groups_ignored"] > 0.95
    assert result["leakage"]["accuracy_groups_apart"] < 0.7
    assert "leakage" not in LinearProbe()(subject(features, labels, features, labels))


def test_protocol_result():
    result = LinearProbe()(subject(*blobs()))
    assert result["metric"] == "accuracy"
    assert result["interval"][0] <= result["accuracy"] <= result["interval"][1]
    assert (result["n"], result["n_train"]) == (60, 120)
    assert f"{result['c']:g}" in result["cross_validated_accuracy"]


def test_features_standardised_already_are_taken_as_they_are():
    train, labels, test, _ = blobs(spread=2.0)
    plain = linear_probe(train, labels, test, 3, standardise=False)
    standardiser = Standardiser.fit(torch.from_numpy(train))
    made = [standardiser(torch.from_numpy(x)).numpy() for x in (train, test)]
    by_hand = linear_probe(made[0], labels, made[1], 3, standardise=False)
    np.testing.assert_allclose(
        by_hand.probabilities, linear_probe(train, labels, test, 3).probabilities, atol=1e-5
    )
    assert not np.allclose(plain.probabilities, by_hand.probabilities, atol=1e-2)
