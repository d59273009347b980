"""Boxes: their law and their two ways of drawing. Crops: the resampling beside torch's antialiased one."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from vicreg_core.contracts.keys import Keys
from vicreg_vision.augmentations.boxes import Boxes, draw_box, draw_boxes
from vicreg_vision.augmentations.resample import Interpolation, box_taps, resample

SCALE, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)


def keys(count: int, epoch: int = 0) -> Keys:
    return Keys.of(0, epoch, torch.arange(count), 0)


@pytest.mark.parametrize("size", [(32, 32), (375, 500), (20, 500), (500, 20), (1, 1), (3, 2)])
def test_one_box_drawn_alone_is_the_one_drawn_in_a_batch(size: tuple[int, int]) -> None:
    many = keys(400)
    boxes = draw_boxes(many, *size, SCALE, RATIO, 0.5)
    batched = torch.stack([boxes.top, boxes.left, boxes.height, boxes.width, boxes.flip.long()], dim=1)
    alone = [draw_box(many[row], *size, SCALE, RATIO, 0.5) for row in range(len(many))]
    assert batched.tolist() == [[int(value) for value in box] for box in alone]


@pytest.mark.parametrize("size", [(32, 32), (375, 500), (20, 500), (500, 20), (1, 1)])
def test_boxes_lie_within_the_image(size: tuple[int, int]) -> None:
    boxes = draw_boxes(keys(2000), *size, SCALE, RATIO, 0.5)
    assert boxes.top.min() >= 0
    assert boxes.left.min() >= 0
    assert boxes.height.min() >= 1
    assert boxes.width.min() >= 1
    assert (boxes.top + boxes.height).max() <= size[0]
    assert (boxes.left + boxes.width).max() <= size[1]


def test_boxes_follow_the_law_of_torchvision() -> None:
    """Quantiles of area, log ratio and position beside ``RandomResizedCrop.get_params``."""
    transforms = pytest.importorskip("torchvision.transforms")
    torch.manual_seed(0)
    count, image = 4000, torch.empty(3, 300, 400)
    theirs = torch.tensor(
        [transforms.RandomResizedCrop.get_params(image, list(SCALE), list(RATIO)) for _ in range(count)]
    )
    boxes = draw_boxes(keys(count), 300, 400, SCALE, RATIO, 0.5)
    ours = torch.stack([boxes.top, boxes.left, boxes.height, boxes.width], dim=1)
    for quantity in (area, log_ratio, relative_top, relative_left):
        gap = kolmogorov_smirnov(quantity(ours.double()), quantity(theirs.double()))
        assert gap < 1.95 * math.sqrt(2 / count), quantity.__name__


def area(boxes: torch.Tensor) -> torch.Tensor:
    return boxes[:, 2] * boxes[:, 3]


def log_ratio(boxes: torch.Tensor) -> torch.Tensor:
    return (boxes[:, 3] / boxes[:, 2]).log()


def relative_top(boxes: torch.Tensor) -> torch.Tensor:
    return boxes[:, 0] / (301 - boxes[:, 2])


def relative_left(boxes: torch.Tensor) -> torch.Tensor:
    return boxes[:, 1] / (401 - boxes[:, 3])


def kolmogorov_smirnov(first: torch.Tensor, second: torch.Tensor) -> float:
    grid = torch.cat([first, second]).sort().values
    share = [
        torch.searchsorted(sample.sort().values, grid, right=True) / len(sample) for sample in (first, second)
    ]
    return float((share[0] - share[1]).abs().max())


def test_an_image_too_narrow_for_the_ratios_is_cropped_at_its_centre() -> None:
    boxes = draw_boxes(keys(5), 10, 1000, (0.9, 1.0), RATIO, 0.0)
    assert set(boxes.height.tolist()) == {10}
    assert set(boxes.width.tolist()) == {13}
    assert set(boxes.left.tolist()) == {(1000 - 13) // 2}
    assert not boxes.flip.any()


def test_flips_at_the_given_rate() -> None:
    assert abs(draw_boxes(keys(8000), 8, 8, SCALE, RATIO, 0.3).flip.float().mean() - 0.3) < 0.02


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("height", "width", "size"), [(32, 32, 32), (40, 61, 24), (100, 90, 17), (5, 7, 32)])
def test_resampling_is_crop_flip_and_antialiased_resize(
    height: int, width: int, size: int, interpolation: Interpolation
) -> None:
    images = torch.rand(24, 3, height, width, generator=torch.Generator().manual_seed(0))
    rows = torch.arange(24).flip(0)
    boxes = draw_boxes(keys(24), height, width, SCALE, RATIO, 0.5)
    planes = resample(images, rows, *box_taps(boxes, height, width, size, interpolation), 1.0)
    expected = [
        reference_crop(images[int(row)], boxes, index, size, interpolation) for index, row in enumerate(rows)
    ]
    torch.testing.assert_close(planes, torch.stack(expected, dim=1), rtol=0, atol=5e-6)


def reference_crop(
    image: torch.Tensor, boxes: Boxes, index: int, size: int, interpolation: str
) -> torch.Tensor:
    top, left, height, width = (
        int(field[index]) for field in (boxes.top, boxes.left, boxes.height, boxes.width)
    )
    crop = image[None, :, top : top + height, left : left + width]
    resized = F.interpolate(crop, (size, size), mode=interpolation, antialias=True)[0]
    return resized.flip(-1) if bool(boxes.flip[index]) else resized


@pytest.mark.parametrize(("dtype", "white"), [(torch.uint8, 255), (torch.uint16, 65535)])
def test_integer_images_are_scaled_to_one(dtype: torch.dtype, white: int) -> None:
    images = torch.full((2, 3, 8, 8), white, dtype=torch.int32).to(dtype)
    boxes = draw_boxes(keys(2), 8, 8, SCALE, RATIO, 0.5)
    planes = resample(images, torch.arange(2), *box_taps(boxes, 8, 8, 6, "bilinear"), 1 / white)
    torch.testing.assert_close(planes, torch.ones(3, 2, 6, 6), rtol=0, atol=1e-6)
