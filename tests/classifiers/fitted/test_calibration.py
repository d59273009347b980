"""Probabilities that mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

from vicreg_core.classifiers.fitted.calibration import (
    Calibration,
    calibration_error,
    nonconformity,
    prediction_sets,
)

UNIFORM = (1 / 3, 1 / 3, 1 / 3)


def drawn(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Honest probabilities of three classes, and labels drawn by them."""
    generator = np.random.default_rng(seed)
    honest = generator.dirichlet([0.6] * 3, size=n).astype(np.float32)
    labels = np.array([generator.choice(3, p=row / row.sum()) for row in honest.astype(np.float64)])
    return honest, labels


@pytest.mark.parametrize("sureness", [0.25, 1.0, 4.0])
def test_the_temperature_is_found(sureness):
    honest, labels = drawn(4000)
    shares = honest**sureness / (honest**sureness).sum(axis=1, keepdims=True)
    found = Calibration.fit(shares, labels, UNIFORM)
    assert found.temperature == pytest.approx(sureness, rel=0.12)
    assert calibration_error(found(shares), labels) < 0.03


def test_a_prior_is_put_on():
    shares = np.full((5, 3), 1 / 3, np.float32)
    np.testing.assert_allclose(Calibration(0.7, (0.2, 0.3, 0.5))(shares)[0], [0.2, 0.3, 0.5], atol=1e-6)


@pytest.mark.parametrize("right", [True, False])
def test_few_answers_make_it_neither_certain_nor_helpless(right):
    shares = np.tile(np.float32([0.5, 0.3, 0.2]), (6, 1))
    found = Calibration.fit(shares, np.zeros(6, int) if right else np.array([0, 1, 2, 0, 1, 2]), UNIFORM)
    assert 0.2 < found.temperature < 3
    assert 0.35 < found(shares).max() < 0.97


def test_sets_hold_the_right_class_as_often_as_asked():
    covered = []
    for seed in range(20):
        honest, labels = drawn(1000, seed)
        scores = nonconformity(honest[:400])[np.arange(400), labels[:400]]
        sets = prediction_sets(honest[400:], scores, 0.9)
        covered.append(sets[np.arange(600), labels[400:]].mean())
    assert np.mean(covered) == pytest.approx(0.9, abs=0.01)


def test_with_too_few_labels_no_class_is_ruled_out():
    honest, labels = drawn(20)
    scores = nonconformity(honest[:5])[np.arange(5), labels[:5]]
    assert prediction_sets(honest[5:], scores, 0.9).all()


def test_the_calibration_error_is_that_of_the_reference():
    honest, labels = drawn(500)
    confidence, right = honest.max(axis=1), honest.argmax(axis=1) == labels
    expected = 0.0
    for low in np.linspace(0, 1, 16)[:-1]:
        inside = (confidence >= low) & (confidence < low + 1 / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert calibration_error(honest, labels) == pytest.approx(expected, abs=2e-3)
