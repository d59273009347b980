"""Standardisation, and the reduction of wide features."""

from __future__ import annotations

import numpy as np
import torch

from vicreg_core.classifiers.preprocessing import Standardiser


def spectrum(n=200, dims=40):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, dims, generator=generator) * torch.linspace(3, 0.1, dims) + 7


def test_mean_zero_and_deviation_one():
    x = spectrum()
    made = Standardiser.fit(x)(x)
    np.testing.assert_allclose(made.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(made.std(0, correction=0), 1, atol=1e-5)


def test_constant_features_become_zero_and_stay_finite():
    x = torch.cat([spectrum(), torch.full((200, 1), 0.1), torch.zeros(200, 1)], dim=1)
    made = Standardiser.fit(x)(x)
    np.testing.assert_allclose(made[:, -2:], 0, atol=1e-5)


def test_reduction_keeps_the_leading_components_unwhitened():
    from sklearn.decomposition import PCA

    x = spectrum()
    mix = x @ torch.randn(40, 40, generator=torch.Generator().manual_seed(1))
    reduced = Standardiser.fit(mix, max_dims=8)
    plain = Standardiser.fit(mix)(mix)
    exact = PCA(8).fit(plain.numpy())
    made = reduced(mix)
    assert made.shape == (200, 8)
    assert reduced.kept > 0.995 * exact.explained_variance_ratio_.sum()
    np.testing.assert_allclose(reduced.rotation.T @ reduced.rotation, torch.eye(8), atol=1e-4)
    np.testing.assert_allclose(made.var(0, correction=0).sum() / 40, reduced.kept, atol=1e-4)


def test_reduction_is_reproducible_and_leaves_the_generator_alone():
    x, state = spectrum(), torch.random.get_rng_state()
    first, second = Standardiser.fit(x, max_dims=5)(x), Standardiser.fit(x, max_dims=5)(x)
    assert torch.equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_narrow_features_are_not_rotated():
    assert Standardiser.fit(spectrum(), max_dims=40).reduction() == {}
    assert Standardiser.fit(spectrum(n=10), max_dims=20).reduction()["principal_components"] == 10
