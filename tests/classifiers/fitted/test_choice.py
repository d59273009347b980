"""Which method is chosen, and what is expected of it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.classifiers.blobs import CLASSES, blobs, pool
from vicreg_core.classifiers.fitted.choice import choose
from vicreg_core.classifiers.fitted.methods import FAMILIES, METHODS, Ground, fit_rule
from vicreg_core.classifiers.pool import Pool


def random_labels(n: int, seed: int, noise: float = 1.2) -> tuple[Pool, np.ndarray]:
    vectors, truth = blobs(600, noise, seed)
    labels = np.full(600, -1)
    rows = np.random.default_rng(seed).permutation(600)[:n]
    labels[rows] = truth[rows]
    return Pool(vectors, labels, CLASSES, seed=seed), truth


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns(method):
    few, truth = pool(5)
    shares = fit_rule(Ground(few), method).shares(few.vectors)
    assert shares.shape == (150, CLASSES)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    assert (shares.argmax(axis=1) == truth).mean() > 0.9


@pytest.mark.parametrize("method", METHODS)
def test_a_class_without_a_label_is_never_decided(method):
    few, _ = pool(5)
    labels = np.where(few.labels == 2, -1, few.labels)
    shares = METHODS[method](Ground(few), labels).shares(few.vectors)
    assert set(shares.argmax(axis=1)) == {0, 1}
    assert np.isfinite(shares).all()


def test_a_single_label_of_a_class_leaves_nothing_to_compare():
    few, _ = pool(3)
    few.labels[np.flatnonzero(few.labels == 1)[1:]] = -1
    choice = choose(Ground(few), FAMILIES["auto"])
    assert (choice.method, list(choice.tried)) == ("propagation", ["propagation"])
    assert "single label" in choice.why


def test_one_label_of_each_class_gives_no_estimate():
    few, _ = pool(1)
    choice = choose(Ground(few), FAMILIES["auto"])
    assert choice.method == "propagation"
    assert choice.estimate is None
    assert choice.held_out is None


def test_the_first_is_kept_unless_another_is_clearly_better():
    few, _ = pool(10)
    assert choose(Ground(few), FAMILIES["auto"]).method == "propagation"
    # Neighbours say nothing of a class that is the sign of one of many noisy features.
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((400, 40)).astype(np.float32)
    truth = (vectors[:, 0] > 0).astype(np.int64)
    choice = choose(Ground(Pool(vectors, truth, 2)), FAMILIES["auto"])
    assert choice.method in FAMILIES["linear"]
    assert choice.tried[choice.method] > choice.tried["propagation"] + 0.1


def test_the_estimate_is_of_samples_like_the_labelled_ones():
    inside, errors = 0, []
    for seed in range(20):
        known, truth = random_labels(60, seed)
        ground = Ground(known)
        choice = choose(ground, FAMILIES["auto"])
        rest = known.labels < 0
        shares = choice.calibration(fit_rule(ground, choice.method).shares(known.vectors[rest]))
        accuracy = (shares.argmax(axis=1) == truth[rest]).mean()
        low, high = choice.estimate.interval
        inside += low <= accuracy <= high
        errors.append(choice.estimate.value - accuracy)
    assert inside >= 18
    assert abs(np.mean(errors)) < 0.03


def test_whole_groups_are_held_out():
    generator, groups = np.random.default_rng(1), np.arange(120) // 6
    # A group has one class and is alike: its samples tell of each other, and nothing of other groups.
    truth = (np.arange(20) % CLASSES)[groups]
    vectors = generator.standard_normal((20, 40))[groups] + 0.1 * generator.standard_normal((120, 40))
    vectors = vectors.astype(np.float32)
    grouped = choose(Ground(Pool(vectors, truth, CLASSES, groups=groups)), ["linear"])
    ignored = choose(Ground(Pool(vectors, truth, CLASSES)), ["linear"])
    assert grouped.estimate.value < ignored.estimate.value
    assert np.diff(grouped.estimate.interval) > np.diff(ignored.estimate.interval)


def test_balanced_decisions_find_the_rare_class():
    vectors, truth = blobs(600, noise=2.0)
    rows = np.concatenate([np.flatnonzero(truth == 0), np.flatnonzero(truth == 1)[:20]])
    vectors, labels = vectors[rows], truth[rows]
    recall = {}
    for balanced in (False, True):
        ground = Ground(Pool(vectors, labels, 2, balanced=balanced))
        choice = choose(ground, ["linear"])
        answers = choice.calibration(fit_rule(ground, "linear").shares(vectors)).argmax(axis=1)
        recall[balanced] = (answers[labels == 1] == 1).mean()
        assert choice.estimate.metric == ("balanced_accuracy" if balanced else "accuracy")
    assert recall[True] > recall[False]
