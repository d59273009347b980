from __future__ import annotations

import numpy as np
import torch

from vicreg_vision.datasets.config import DigitsConfig
from vicreg_vision.datasets.digits import build


def test_the_split_is_fixed_stratified_and_whole() -> None:
    train, test = build(DigitsConfig(), "train"), build(DigitsConfig(), "test")
    assert (len(train), len(test)) == (1297, 500)
    assert sorted([*train.ids, *test.ids]) == list(range(1797))
    assert np.array_equal(train.ids, build(DigitsConfig(), "train").ids)
    assert train.labels is not None
    assert test.labels is not None
    share = np.bincount(train.labels) / np.bincount(np.concatenate([train.labels, test.labels]))
    assert np.abs(share - 1297 / 1797).max() < 0.01
    assert list(train.classes) == [str(n) for n in range(10)]


def test_pixels_and_labels_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits

    digits, data = load_digits(), build(DigitsConfig(), "test")
    batch = data.__getitems__(np.arange(len(data)))
    assert (batch.shape, batch.dtype, data.in_memory) == ((500, 1, 8, 8), torch.uint8, True)
    expected = digits.images[np.asarray(data.ids)] / 16
    np.testing.assert_allclose(batch[:, 0].numpy() / 255, expected, atol=1 / 255)
    assert np.array_equal(data.labels, digits.target[np.asarray(data.ids)])
    np.testing.assert_allclose(data.raw_features(np.arange(500)).reshape(-1, 8, 8), expected, atol=1 / 255)


def test_facts() -> None:
    facts = build(DigitsConfig(), "train").info.facts
    assert (facts["channels"], facts["height"], facts["width"], facts["uniform"]) == (1, 8, 8, True)
    np.testing.assert_allclose([*facts["mean"], *facts["std"]], [0.3053, 0.3758], atol=1e-4)
