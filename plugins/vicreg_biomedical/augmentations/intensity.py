"""What optics, lamp and camera do to images on the unit scale: ``(B, C, H, W)``, or ``(B, C, D, H, W)``."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vicreg_biomedical.augmentations.config import CellsConfig
from vicreg_biomedical.augmentations.geometry import log_uniform
from vicreg_biomedical.augmentations.shapes import beside, planes
from vicreg_core.contracts.keys import Keys


def light_and_response(images: Tensor, config: CellsConfig, keys: Keys) -> Tensor:
    """Gain, contrast, gamma, offset and a smooth illumination field, drawn a channel at a time."""
    channels = images.shape[1]
    if config.gamma is not None:
        exponent = beside(log_uniform(keys, "gamma", config.gamma, channels), images)
        images = torch.where(images > 0, images.clamp_min(1e-6).pow(exponent), images)
    if config.contrast is not None:
        factor = beside(log_uniform(keys, "contrast", config.contrast, channels), images)
        mean = beside(images.flatten(2).mean(dim=2), images)
        images = (images - mean) * factor + mean
    if config.gain is not None:
        images = images * beside(log_uniform(keys, "gain", config.gain, channels), images)
    if config.offset:
        shift = keys.uniform("offset", channels, low=-config.offset, high=config.offset)
        images = images + beside(shift, images)
    if config.illumination:
        slope = keys.uniform("illumination", 2, low=-config.illumination, high=config.illumination)
        images = images * tilted_light(images, slope)
    return images


def tilted_light(images: Tensor, slope: Tensor) -> Tensor:
    """``(B, 1, H, W)``: a tilted plane about 1, as a crop sees of a vignetted field; shared by channels.

    Of a volume ``(B, 1, 1, H, W)``: the lamp is the same for all planes.

    Args:
        images: ``(B, C, H, W)`` or ``(B, C, D, H, W)``.
        slope: ``(B, 2)``, change from the centre to the lower and to the right border.
    """
    height, width = images.shape[-2:]
    slope = slope[:, :, None, None]
    y = torch.linspace(-1, 1, height, device=images.device)[None, :, None]
    x = torch.linspace(-1, 1, width, device=images.device)[None, None, :]
    light = (1 + slope[:, 0] * y + slope[:, 1] * x).clamp_min(0.1)
    return light.reshape(len(light), *[1] * (images.ndim - 3), height, width)


def defocus(images: Tensor, sigma_range: tuple[float, float], keys: Keys) -> Tensor:
    """Gaussian blur of half of the samples, each with its own sigma."""
    chosen = keys.bernoulli("blur?", 0.5)
    rows = chosen.nonzero()[:, 0]
    if not len(rows):
        return images
    sigma = log_uniform(keys[rows], "blur", sigma_range)
    return images.index_copy(0, rows, gaussian_blur(images[rows], sigma, sigma_range[1]))


def gaussian_blur(images: Tensor, sigma: Tensor, largest: float) -> Tensor:
    """Blur each image, every plane alike, with its own ``(B,)`` sigma, at most ``largest``."""
    radius = max(1, math.ceil(2.5 * largest))
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=torch.float32)
    taps = torch.exp(-0.5 * (offsets / sigma[:, None]) ** 2)
    total = taps[:, 0].clone()
    for tap in range(1, taps.shape[1]):
        total += taps[:, tap]
    # Separable, as shifted sums: elementwise, so bitwise the same whatever the batch.
    blurred = planes(images)
    for axis in (2, 3):
        blurred = _shifted_sum(blurred, taps / total[:, None], radius, axis)
    return blurred.reshape(images.shape)


def _shifted_sum(images: Tensor, taps: Tensor, radius: int, axis: int) -> Tensor:
    pad = (0, 0, radius, radius) if axis == 2 else (radius, radius, 0, 0)
    mode = "reflect" if images.shape[axis] > radius else "replicate"
    padded = torch.nn.functional.pad(images, pad, mode=mode)
    length = images.shape[axis]
    result = padded.narrow(axis, 0, length) * taps[:, 0, None, None, None]
    for tap in range(1, taps.shape[1]):
        result += padded.narrow(axis, tap, length) * taps[:, tap, None, None, None]
    return result


def camera_noise(images: Tensor, config: CellsConfig, keys: Keys) -> Tensor:
    """Shot and read noise of half of the samples: a variance of ``x / photons + read**2``."""
    rows = keys.bernoulli("noise?", 0.5).nonzero()[:, 0]
    if not len(rows):
        return images
    chosen, keys = images[rows], keys[rows]
    variance = torch.zeros_like(chosen)
    if config.photons is not None:
        photons = beside(log_uniform(keys, "photons", config.photons), chosen)
        variance = chosen.clamp_min(0) / photons
    if config.read_noise:
        read = beside(keys.uniform("read-noise", high=config.read_noise), chosen)
        variance = variance + read * read
    return images.index_copy(0, rows, shot_and_read_noise(chosen, variance, keys))


def shot_and_read_noise(images: Tensor, variance: Tensor, keys: Keys) -> Tensor:
    """Add one normal draw a value, of the variance given for it.

    The normal law is close to the Poisson's above about ten photons, which every preset keeps to.
    """
    return images + variance.sqrt() * keys.normal("noise", *images.shape[1:])


def drop_channels(images: Tensor, probability: float, keys: Keys) -> Tensor:
    """Blank channels to 0, the training mean; the channel of the largest draw always stays."""
    draws = keys.uniform("channel-dropout", images.shape[1])
    keep = (draws >= probability) | (draws == draws.amax(dim=1, keepdim=True))
    return images * beside(keep, images).to(images.dtype)


def drop_square(images: Tensor, share: float, keys: Keys) -> Tensor:
    """Blank one square of side ``share`` of the view, in all its planes, in every sample."""
    height, width = images.shape[-2:]
    corner = keys.uniform("coarse-dropout", 2, high=1 - share)
    y = (torch.arange(height, device=images.device) + 0.5)[None, :, None] / height - corner[:, 0, None, None]
    x = (torch.arange(width, device=images.device) + 0.5)[None, None, :] / width - corner[:, 1, None, None]
    inside = (y >= 0) & (y < share) & (x >= 0) & (x < share)
    return images.masked_fill(inside.reshape(len(images), *[1] * (images.ndim - 3), height, width), 0.0)
