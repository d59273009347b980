"""Graded corruptions of images: worse by severity, keyed by sample, kept on the scale of the view."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from tests.vision.test_augment_views import build, facts, keys
from vicreg_core.contracts.severity import SEVERITIES
from vicreg_core.errors import DataError
from vicreg_vision.augmentations.corruptions import STRENGTHS, SUMMARIES, corrupt_planes

NAMES = list(SUMMARIES)


def scenes(count: int, channels: int = 3, side: int = 32) -> Tensor:
    """Discs on waves in any direction, ``uint8``: smooth parts and edges, of which noise would have none."""
    generator = torch.Generator().manual_seed(1)
    draws = torch.rand(6, count, channels, 1, 1, generator=generator)
    place = torch.arange(side) / side
    y, x = place[:, None], place
    waves = torch.sin(20 * (draws[0] - 0.5) * x + 20 * (draws[1] - 0.5) * y + 6 * draws[2])
    discs = ((x - draws[3]) ** 2 + (y - draws[4]) ** 2).sqrt() < 0.2 + 0.3 * draws[5]
    return (127 + 60 * waves + 60 * discs).to(torch.uint8)


def plain(channels: int = 3, side: int = 32, **more: Any) -> Any:
    no_colour = {"saturation": 0.0, "hue": 0.0, "grayscale": 0.0}
    return build(facts(channels, side, side, **more), normalize=False, preset="small", **no_colour)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", [32, 64])
def test_the_distortion_grows_with_severity(name: str, side: int) -> None:
    augmentation, batch = plain(side=side), scenes(24, side=side)
    clean = augmentation(batch)
    changes = [
        float((augmentation.corrupt(batch, name, severity, keys(24)) - clean).square().mean())
        for severity in SEVERITIES
    ]
    assert changes[0] > 0
    assert changes == sorted(set(changes))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_views_keep_form_and_range_and_the_batch_is_left_alone(name: str, dtype: str) -> None:
    unit = scenes(6, channels=1).float() / 255
    batch = {
        "uint8": scenes(6, channels=1),
        "uint16": (unit * 65535).to(torch.uint16),
        "float32": unit,
    }[dtype]
    augmentation, before = plain(channels=1, dtype=dtype), batch.clone()
    made = augmentation.corrupt(batch, name, 5, keys(6))
    assert torch.equal(batch, before)
    assert made.dtype == torch.float32
    assert made.shape == augmentation(batch).shape
    assert made.min() >= 0
    assert made.max() <= 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rows", [[5], [7, 3], list(range(39, -1, -1))])
def test_a_sample_is_corrupted_alike_in_any_batch(name: str, rows: list[int]) -> None:
    augmentation, batch = build(preset="small"), scenes(40)
    whole = augmentation.corrupt(batch, name, 3, keys(40))
    part = augmentation.corrupt(batch[rows], name, 3, keys(40)[torch.tensor(rows)])
    torch.testing.assert_close(part, whole[rows], rtol=0, atol=2e-6 if name == "contrast" else 0)


@pytest.mark.parametrize("name", ["noise", "impulse-noise", "motion-blur"])
def test_samples_and_seeds_differ(name: str) -> None:
    augmentation, batch = plain(), scenes(1).expand(8, -1, -1, -1)
    made = augmentation.corrupt(batch, name, 4, keys(8))
    assert len(made.flatten(1).unique(dim=0)) > 1
    assert not torch.equal(made, augmentation.corrupt(batch, name, 4, keys(8, epoch=1)))


def test_the_damage_is_done_before_normalisation() -> None:
    batch, name = scenes(4), "brightness"
    bare, normalised = plain(), build(preset="small")
    by_hand = (bare.corrupt(batch, name, 2, keys(4)) - normalised.mean[:, 0]) * normalised.inverse_std[:, 0]
    torch.testing.assert_close(normalised.corrupt(batch, name, 2, keys(4)), by_hand)


def test_images_of_unlike_size_and_of_any_size() -> None:
    augmentation = build(facts(height=None, width=None), size=24, normalize=False, preset="small")
    sizes = [(30, 40), (24, 24), (90, 31)]
    raw = [F.interpolate(scenes(1).float(), size)[0].to(torch.uint8) for size in sizes]
    batch = augmentation.collate([augmentation.prepare(image, None) for image in raw])
    for name in NAMES:
        assert augmentation.corrupt(batch, name, 5, keys(3)).shape == (3, 3, 24, 24)
    tiny = plain(channels=1, side=8)
    for name in NAMES:
        assert torch.isfinite(tiny.corrupt(scenes(3, 1, 8), name, 5, keys(3))).all()


def test_each_does_what_its_summary_says() -> None:
    planes = scenes(16).float().div(255).transpose(0, 1).contiguous()

    def made(name: str, severity: int = 5) -> Tensor:
        return corrupt_planes(planes.clone(), name, severity, keys(16))

    grey = torch.full_like(planes, 0.5)
    noisy = corrupt_planes(grey.clone(), "noise", 1, keys(16)) - grey
    assert float(noisy.std()) == pytest.approx(STRENGTHS["noise"][0], rel=0.02)
    struck = corrupt_planes(grey.clone(), "impulse-noise", 5, keys(16))
    assert sorted(struck.unique().tolist()) == [0.0, 0.5, 1.0]
    assert float((struck != 0.5).float().mean()) == pytest.approx(STRENGTHS["impulse-noise"][4], rel=0.05)
    for name in ("blur", "motion-blur", "pixelation"):
        assert torch.equal(corrupt_planes(grey.clone(), name, 5, keys(16)).round(decimals=5), grey)
    for name in ("blur", "motion-blur"):
        assert made(name).diff(dim=3).square().mean() < 0.7 * planes.diff(dim=3).square().mean()
    assert torch.equal(made("pixelation"), F.interpolate(F.avg_pool2d(planes, 4), scale_factor=4))
    torch.testing.assert_close(made("contrast").std((0, 2, 3)), 0.15 * planes.std((0, 2, 3)))
    torch.testing.assert_close(made("brightness"), (planes + 0.5).clamp(max=1))


def test_motion_blurs_along_each_of_four_lines() -> None:
    spots = torch.zeros(1, 64, 15, 15)
    spots[:, :, 7, 7] = 1
    lines = (corrupt_planes(spots, "motion-blur", 5, keys(64))[0] > 0).long()
    assert len(lines.flatten(1).unique(dim=0)) == 4
    assert (lines.sum((1, 2)) == 3).all()


def test_wrong_names_severities_and_data_are_refused() -> None:
    augmentation, batch = plain(), scenes(2)
    with pytest.raises(ValueError, match=r"no corruption 'fog' \(there are: noise, "):
        augmentation.corrupt(batch, "fog", 1, keys(2))
    with pytest.raises(ValueError, match="1 to 5, got 6"):
        augmentation.corrupt(batch, "noise", 6, keys(2))
    with pytest.raises(DataError, match="takes a tensor of images, got dict"):
        augmentation.corrupt({}, "noise", 1, keys(2))


def test_every_corruption_has_a_line_and_five_strengths() -> None:
    assert list(STRENGTHS) == NAMES
    assert all(len(strengths) == len(SEVERITIES) for strengths in STRENGTHS.values())
    assert plain().corruptions == SUMMARIES
