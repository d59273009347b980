"""Each pixel operation beside torchvision's functional one, given the same parameters."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vicreg_vision.augmentations.blur import gaussian_blur, half_kernels, solarise
from vicreg_vision.augmentations.colour import jitter_linear, to_grayscale, turn_hue

functional = pytest.importorskip("torchvision.transforms.v2.functional")

IMAGES = 64


@pytest.fixture
def planes() -> Tensor:
    """``(3, 64, 15, 16)`` images: noise, and the special cases of a hue (gray, pure, tied, 8-bit)."""
    generator = torch.Generator().manual_seed(0)
    planes = torch.rand(3, IMAGES, 15, 16, generator=generator)
    planes[:, 0], planes[:, 1], planes[:, 2] = 0.0, 1.0, 0.5
    for channel in range(3):
        planes[:, 3 + channel] = torch.eye(3)[channel, :, None, None]
        planes[:, 6 + channel] = 1.0 - torch.eye(3)[channel, :, None, None]
    planes[:, 9] = torch.randint(0, 3, (3, 15, 16), generator=generator) / 2
    planes[:, 10:20] = torch.randint(0, 256, (3, 10, 15, 16), generator=generator) / 255
    return planes


def per_image(planes: Tensor, operation: object, *parameters: Tensor) -> Tensor:
    """torchvision's result, image by image."""
    images = [
        operation(planes[:, i], *(float(values[i]) for values in parameters))  # type: ignore[operator]
        for i in range(planes.shape[1])
    ]
    return torch.stack(images, dim=1)


def factors(low: float, high: float) -> Tensor:
    values = torch.linspace(low, high, IMAGES)
    return values[torch.randperm(IMAGES, generator=torch.Generator().manual_seed(1))]


@pytest.mark.parametrize("operation", ["brightness", "contrast", "saturation"])
def test_linear_operations(planes: Tensor, operation: str) -> None:
    gain, none = factors(0.0, 2.0), torch.zeros(IMAGES)
    expected = per_image(planes, getattr(functional, f"adjust_{operation}"), gain)
    to_mean = 1.0 - gain if operation == "contrast" else none
    to_gray = 1.0 - gain if operation == "saturation" else none
    jitter_linear(planes, gain, to_mean, to_gray)
    torch.testing.assert_close(planes, expected, rtol=0, atol=1e-6)


def test_hue(planes: Tensor) -> None:
    turns = factors(-0.5, 0.5)
    expected = per_image(planes, functional.adjust_hue, turns)
    turn_hue(planes, turns)
    torch.testing.assert_close(planes, expected, rtol=0, atol=5e-6)


@pytest.mark.parametrize("turn", [-0.5, 0.0, 0.5, 1 / 3])
def test_hue_at_its_special_turns(planes: Tensor, turn: float) -> None:
    turns = torch.full((IMAGES,), turn)
    expected = per_image(planes, functional.adjust_hue, turns)
    turn_hue(planes, turns)
    torch.testing.assert_close(planes, expected, rtol=0, atol=5e-6)


def test_a_third_of_a_turn_moves_each_channel_to_the_next(planes: Tensor) -> None:
    turned = planes.clone()
    turn_hue(turned, torch.full((IMAGES,), 1 / 3))
    torch.testing.assert_close(turned, planes.roll(1, dims=0), rtol=0, atol=5e-6)


def test_grayscale(planes: Tensor) -> None:
    expected = torch.stack([functional.rgb_to_grayscale(image, 3) for image in planes.unbind(1)], dim=1)
    torch.testing.assert_close(to_grayscale(planes), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_contrast_of_other_channels_is_about_their_own_mean(channels: int) -> None:
    planes = torch.rand(channels, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    gain = torch.tensor([0.0, 0.5, 1.0, 1.3])
    mean = planes.mean(dim=(2, 3), keepdim=True)
    expected = (planes * gain[:, None, None] + mean * (1 - gain[:, None, None])).clamp(0, 1)
    jitter_linear(planes, gain, 1 - gain, torch.zeros(4))
    torch.testing.assert_close(planes, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("width", [3, 9, 23])
def test_blur(planes: Tensor, width: int) -> None:
    sigmas = factors(0.1, 2.0)
    expected = per_image(planes, lambda image, sigma: functional.gaussian_blur(image, width, sigma), sigmas)
    blurred = gaussian_blur(planes, half_kernels(tuple(sigmas.tolist()), width))
    torch.testing.assert_close(blurred, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("threshold", [0.5, 0.25, 1.0, 128 / 255])
def test_solarise(planes: Tensor, threshold: float) -> None:
    planes[0, 20, 0, 0] = threshold
    expected = functional.solarize(planes, threshold)
    assert expected[0, 20, 0, 0] == pytest.approx(1.0 - threshold)
    assert torch.equal(solarise(planes, threshold), expected)
