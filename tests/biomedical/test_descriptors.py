"""Measurements of cells: planted discs are measured as they were planted."""

from __future__ import annotations

import numpy as np
import pytest

from vicreg_biomedical.descriptors import describe, overlaps, shape_features, texture_features


def ellipses(*axes: tuple[float, float]) -> np.ndarray:
    """``(n, 1, 64, 64) float32``: bright ellipses with these half axes, down and across."""
    down, across = np.mgrid[:64, :64] - 31.5
    crops = [((down / a) ** 2 + (across / b) ** 2 <= 1) * 1000.0 + 100.0 for a, b in axes]
    return np.stack(crops)[:, None].astype(np.float32)


def test_area_axes_and_roundness_are_those_of_the_ellipse():
    share, inside, outside, major, minor, roundness = shape_features(ellipses((10, 10), (20, 10), (10, 24))).T
    np.testing.assert_allclose(share * 64 * 64, np.pi * np.array([100, 200, 240]), rtol=0.02)
    np.testing.assert_allclose(inside, 1100, rtol=1e-4)
    np.testing.assert_allclose(outside, 100, rtol=1e-4)
    # The deviation along an axis of a filled ellipse is half of its half axis.
    np.testing.assert_allclose(major, [5, 10, 12], rtol=0.03)
    np.testing.assert_allclose(minor, [5, 5, 5], rtol=0.03)
    np.testing.assert_allclose(roundness, [1, 0.5, 5 / 12], atol=0.03)


def test_texture_tells_fine_from_coarse_and_knows_no_brightness():
    draws = np.random.default_rng(0)
    coarse = np.kron(draws.normal(size=(3, 2, 8, 8)), np.ones((1, 1, 8, 8))).astype(np.float32)
    fine = draws.permuted(coarse.reshape(3, 2, -1), axis=2).reshape(coarse.shape)
    assert (texture_features(fine) > texture_features(coarse)).all()
    np.testing.assert_allclose(texture_features(fine * 50 + 7), texture_features(fine), rtol=1e-3)


def test_overlap_is_the_correlation_of_channels():
    draws = np.random.default_rng(0)
    pixels = draws.normal(size=(5, 3, 16, 16)).astype(np.float32)
    pixels[:, 2] = -2 * pixels[:, 0] + 1
    expected = [np.corrcoef(each.reshape(3, -1))[np.triu_indices(3, 1)] for each in pixels]
    np.testing.assert_allclose(overlaps(pixels), expected, atol=1e-4)
    assert overlaps(pixels[:, :1]).shape == (5, 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(4, 2, 20, 24), (4, 2, 5, 20, 24), (4, 1, 3, 3)])
def test_crops_volumes_and_blank_ones_have_finite_features(dtype, shape):
    crops = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    crops[0] = 0
    features = describe(crops)
    assert features.shape[0] == 4
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
