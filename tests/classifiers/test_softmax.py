"""Multinomial logistic regression finds scikit-learn's optimum."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.evaluation.arrays import blobs
from vicreg_core.classifiers.softmax import SoftmaxRegression, SoftmaxWeights


def problem(classes=3, dtype=torch.float64, **kwargs):
    train, labels, _, _ = blobs(classes=classes, **kwargs)
    train = (train - train.mean(0)) / train.std(0)
    return torch.from_numpy(train).to(dtype), torch.from_numpy(labels)


def reference(x, y, c):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, tol=1e-10, max_iter=10_000).fit(x.double().numpy(), y.numpy())


@pytest.mark.parametrize("c", [1e-3, 1.0, 100.0])
@pytest.mark.parametrize("classes", [3, 5])
def test_equals_scikit_learn(c, classes):
    x, y = problem(classes)
    ours, theirs = SoftmaxRegression(x, y, classes).fit(c, tolerance=1e-9), reference(x, y, c)
    np.testing.assert_allclose(ours.weight[0].T, theirs.coef_, atol=2e-5 * max(1, np.abs(theirs.coef_).max()))
    np.testing.assert_allclose(ours.logits(x)[:, 0].softmax(1), theirs.predict_proba(x.numpy()), atol=2e-5)


def test_two_classes_equal_scikit_learn_probabilities():
    x, y = problem(2)
    ours = SoftmaxRegression(x, y, 2).fit(1.0, tolerance=1e-9).logits(x)[:, 0].softmax(1)
    # Of two classes scikit-learn penalises one vector w, where the softmax has w/2 and -w/2: half as much.
    np.testing.assert_allclose(ours, reference(x, y, 2.0).predict_proba(x.numpy()), atol=2e-5)


def test_single_precision_suffices():
    x, y = problem(4, torch.float32)
    ours = SoftmaxRegression(x, y, 4).fit(1.0).logits(x)[:, 0].softmax(1)
    np.testing.assert_allclose(ours, reference(x, y, 1.0).predict_proba(x.numpy()), atol=1e-3)


def test_problems_side_by_side_equal_each_alone():
    x, y = problem(3)
    counts = torch.rand(len(x), 4, generator=torch.Generator().manual_seed(0)) < 0.7
    together = SoftmaxRegression(x, y, 3, counts).fit(0.3, tolerance=1e-9)
    for number in range(4):
        alone = SoftmaxRegression(x[counts[:, number]], y[counts[:, number]], 3).fit(0.3, tolerance=1e-9)
        np.testing.assert_allclose(together.weight[number], alone.weight[0], atol=1e-5)


def test_a_start_changes_the_way_and_not_the_end():
    x, y = problem(3)
    regression = SoftmaxRegression(x, y, 3)
    start = SoftmaxWeights(torch.randn(1, x.shape[1], 3, dtype=x.dtype), torch.ones(1, 3, dtype=x.dtype))
    warm, cold = regression.fit(1.0, start=start, tolerance=1e-9), regression.fit(1.0, tolerance=1e-9)
    np.testing.assert_allclose(warm.weight, cold.weight, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dependent_features_and_more_features_than_samples(dtype):
    x, y = problem(3, dtype, n=30)
    wide = torch.cat([x, x, torch.zeros_like(x), -x, x], dim=1)
    for c in (1e-5, 1.0, 100.0):
        weights = SoftmaxRegression(wide, y, 3).fit(c)
        assert weights.weight.isfinite().all()
    one, two = (
        SoftmaxRegression(v, y, 3).fit(1.0, tolerance=1e-7).logits(v) for v in (x, torch.cat([x, x], 1))
    )
    assert (one[:, 0].argmax(1) == two[:, 0].argmax(1)).all()
