"""The untrained encoder and raw features as floors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.evaluation.toy import Net, NetConfig, Points, PointsConfig
from vicreg_core.contracts import DatasetAdapter
from vicreg_core.errors import DataError
from vicreg_core.evaluation.subjects.floors import (
    MAX_DIMS,
    calibrate_batch_norm,
    floor_vectors,
    has_batch_norm,
    prepare_raw,
)


def test_calibration_gives_the_statistics_of_the_data():
    points = Points(PointsConfig(n=64))
    net = Net(NetConfig(), points.info)
    batches = torch.from_numpy(points.points).split(16)
    assert has_batch_norm(net)
    calibrate_batch_norm(net, batches)
    hidden = net.linear(torch.from_numpy(points.points))
    np.testing.assert_allclose(net.norm.running_mean, hidden.mean(0).detach(), atol=1e-5)
    expected = torch.stack([net.linear(b).var(0) for b in batches]).mean(0).detach()
    np.testing.assert_allclose(net.norm.running_var, expected, rtol=1e-4)
    assert not net.training
    assert not net.norm.training


def test_a_calibrated_encoder_that_is_trained_forgets_the_calibration():
    points = Points(PointsConfig(n=64))
    net = Net(NetConfig(), points.info)
    momentum = net.norm.momentum
    calibrate_batch_norm(net, torch.from_numpy(points.points).split(16))
    assert net.norm.momentum == momentum
    shifted = torch.from_numpy(points.points) + 5
    net.train()
    for _ in range(100):
        net(shifted)
    np.testing.assert_allclose(
        net.norm.running_mean, net.linear(shifted).mean(0).detach(), rtol=1e-3, atol=1e-3
    )


def test_raw_features_are_standardised_and_narrowed():
    generator = np.random.default_rng(0)
    train = (generator.normal(size=(600, MAX_DIMS + 40)) * np.geomspace(1e-3, 1e3, MAX_DIMS + 40)).astype(
        np.float32
    )
    made, test, remarks = prepare_raw(train, train[:7], torch.device("cpu"))
    assert made.shape == (600, MAX_DIMS)
    np.testing.assert_allclose(test, made[:7], atol=1e-4)
    assert remarks["principal_components"] == MAX_DIMS
    assert 0.9 < remarks["variance_kept"] < 1
    narrow, none, remarks = prepare_raw(train[:, :3].copy(), None, torch.device("cpu"))
    np.testing.assert_allclose(narrow.std(0), 1, atol=1e-4)
    assert none is None
    assert remarks == {}


class Odd(DatasetAdapter):
    def __init__(self, features):
        self.features = features

    def raw_features(self, indices):
        return self.features


def test_raw_features_of_another_shape_are_the_plugins_error():
    rows = np.arange(4)
    assert floor_vectors(Odd(None), rows) is None
    for features in (np.ones((3, 2)), np.ones((4, 2, 2)), np.full((4, 2), np.nan)):
        with pytest.raises(DataError, match=r"'raw_features' of Odd gave shape"):
            floor_vectors(Odd(features), rows)
    assert floor_vectors(Odd(np.ones((4, 2))), rows).dtype == np.float32
