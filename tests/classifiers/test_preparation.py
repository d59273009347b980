"""Features prepared for a linear classifier: what each way promises, on features of unlike scale."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vicreg_core.classifiers.preparation import AS_GIVEN, preparations


@pytest.fixture
def features():
    generator = torch.Generator().manual_seed(0)
    mixed = torch.randn(400, 6, generator=generator) @ (torch.eye(6) + torch.rand(6, 6, generator=generator))
    return mixed * torch.tensor([1.0, 10.0, 0.1, 1.0, 3.0, 1.0]) + 5.0


def test_what_each_way_promises(features):
    made = {name: way(features) for name, way in preparations(features).items()}
    assert list(made) == ["as is", "unit length", "standardised", "whitened"]
    for name in ("as is", "standardised", "whitened"):
        np.testing.assert_allclose(made[name].mean(dim=0), 0.0, atol=1e-4)
    assert float(made["as is"].var(dim=0, correction=0).mean()) == pytest.approx(1.0, rel=1e-4)
    ratio = made["as is"].std(dim=0) / features.std(dim=0)
    np.testing.assert_allclose(ratio, ratio[0].expand(6), rtol=1e-4)
    np.testing.assert_allclose(made["unit length"].norm(dim=1), 6**0.5, rtol=1e-4)
    np.testing.assert_allclose(made["standardised"].std(dim=0, correction=0), 1.0, rtol=1e-4)
    covariance = torch.cov(made["whitened"].T)
    np.testing.assert_allclose(covariance - torch.diag(covariance.diagonal()), 0.0, atol=0.02)


def test_constant_dependent_and_too_many_features_stay_finite(features):
    wide = torch.cat([features, features, torch.full((400, 3), 7.0), features[:, :1] * 0], dim=1)
    for data in (wide, wide[:3], wide[:1], torch.zeros(5, 2), features[:, :1]):
        for name, way in preparations(data).items():
            assert way(data).isfinite().all(), name


def test_what_was_given_is_left_alone(features):
    assert AS_GIVEN(features) is features
