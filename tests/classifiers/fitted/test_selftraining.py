"""Self-training learns from what its teacher is surest of, of every class alike."""

from __future__ import annotations

import numpy as np

from tests.classifiers.blobs import blobs, pool
from vicreg_core.classifiers.affine import fit_linear
from vicreg_core.classifiers.fitted.methods import FAMILIES, Ground, fit_rule
from vicreg_core.classifiers.fitted.selftraining import _believed
from vicreg_core.classifiers.pool import Pool


def test_the_surer_half_of_each_class_is_believed_and_labels_stay():
    labels = np.array([0, 1, -1, -1, -1, -1, -1, -1])
    sure = np.array([0.9, 0.1, 0.6, 0.9, 0.8, 0.7, 0.2, 0.45])
    believed = _believed(labels, np.stack([sure, 1 - sure], axis=1).astype(np.float32))
    # Of 2 to 5, given class 0, the surer two; of 6 and 7, given class 1, the surer one.
    assert believed.tolist() == [0, 1, -1, 0, 0, -1, 1, -1]


def test_a_class_that_nobody_labelled_is_not_believed_in():
    shares = np.array([[0.2, 0.8], [0.1, 0.9], [0.1, 0.9], [0.3, 0.7]], np.float32)
    assert _believed(np.array([0, -1, -1, -1]), shares).tolist() == [0, -1, -1, -1]


def test_with_few_labels_it_is_better_than_a_linear_classifier_without():
    new, truth = blobs(600, noise=0.9, seed=7)

    def right(rule):
        return float((rule.shares(new).argmax(1) == truth).mean())

    gains = []
    for seed in range(5):
        few, _ = pool(2, n=600, noise=0.9, seed=seed)
        alone = fit_linear(few, few.labels, unit=True)
        gains.append(right(fit_rule(Ground(few), "self-training")) - right(alone))
    assert np.mean(gains) > 0.02
    assert min(gains) > -0.05


def test_one_class_alone_and_what_is_tried_unasked():
    vectors, _ = blobs(30)
    labels = np.full(30, -1)
    labels[3] = 1
    rule = fit_rule(Ground(Pool(vectors, labels, 3)), "self-training")
    assert (rule.shares(vectors).argmax(1) == 1).all()
    assert "self-training" not in FAMILIES["auto"]
