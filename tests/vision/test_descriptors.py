"""Histograms of gradients and colours: what they tell apart, and what they do not change with."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vicreg_vision.descriptors import colour_histogram, gradients_and_colours, oriented_gradients


def stripes(angle: float, size: int = 16) -> torch.Tensor:
    down, across = torch.meshgrid(torch.arange(size) * 1.0, torch.arange(size) * 1.0, indexing="ij")
    wave = torch.sin(across * np.cos(angle) + down * np.sin(angle))
    return (0.5 + 0.4 * wave).expand(1, 3, size, size)


def test_the_orientation_of_the_gradient_is_the_bin():
    for bin_, angle in enumerate(np.arange(9) * np.pi / 9):
        by_bin = oriented_gradients(stripes(angle)).view(9, 4, -1).mean(dim=(1, 2))
        assert int(by_bin.argmax()) == bin_


def test_gradients_know_no_brightness_and_no_direction():
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    described = oriented_gradients(images)
    torch.testing.assert_close(oriented_gradients(images * 0.5 + 0.2), described, atol=2e-2, rtol=0)
    torch.testing.assert_close(oriented_gradients(1 - images), described, atol=1e-4, rtol=0)


def test_a_gradient_between_two_bins_is_shared():
    # All pixels of a ramp have the same angle: halfway between the first bin and the second.
    down, across = torch.meshgrid(torch.arange(16) * 1.0, torch.arange(16) * 1.0, indexing="ij")
    ramp = (across * np.cos(np.pi / 18) + down * np.sin(np.pi / 18)) / 40
    middle = oriented_gradients(ramp.expand(1, 1, 16, 16)).view(9, 4, 9)[:, 0, 4]
    torch.testing.assert_close(middle[0], middle[1], atol=1e-4, rtol=0)
    assert middle[2:].max() < 1e-6


@pytest.mark.parametrize(("channels", "colours"), [(1, 4), (2, 16), (3, 64), (4, 64)])
def test_colours_are_counted_in_each_quarter(channels, colours):
    image = torch.zeros(1, channels, 8, 8)
    image[:, 0, :4, :4] = 1.0
    shares = colour_histogram(image).view(colours, 4).square()
    torch.testing.assert_close(shares.sum(dim=0), torch.ones(4))
    assert shares[3, 0] == 1.0
    assert (shares[0, 1:] == 1.0).all()


def test_a_blank_image_has_finite_features():
    assert gradients_and_colours(torch.zeros(2, 3, 8, 9)).isfinite().all()
