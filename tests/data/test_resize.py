"""Resizing gives what torch's filter gives for each plane, in the image's own dtype."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from vicreg_core.data.resize import resize_planes

SIZE = (20, 31)


def pixels(*shape: int, dtype: torch.dtype) -> torch.Tensor:
    rng = np.random.default_rng(0)
    if dtype.is_floating_point:
        return torch.from_numpy(rng.random(shape, dtype=np.float32))
    return torch.from_numpy(rng.integers(0, torch.iinfo(dtype).max, shape)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.float32])
@pytest.mark.parametrize(
    "shape", [(3, 45, 33), (2, 3, 45, 33), (2, 4, 3, 16, 17)], ids=["CHW", "BCHW", "BCDHW"]
)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_every_plane_is_filtered_alone(shape, dtype, mode) -> None:
    images = pixels(*shape, dtype=dtype)
    made = resize_planes(images, SIZE, mode)
    assert made.shape == (*shape[:-2], *SIZE)
    assert made.dtype == dtype
    plane = images.flatten(0, -3)[-1]
    expected = F.interpolate(plane.float()[None, None], SIZE, mode=mode, antialias=True)[0, 0]
    if not dtype.is_floating_point:
        expected = expected.round().clamp(0, torch.iinfo(dtype).max)
    torch.testing.assert_close(made.flatten(0, -3)[-1].float(), expected, rtol=0, atol=0)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_fixed_point_is_off_by_one_at_most(mode) -> None:
    images = pixels(2, 3, 45, 33, dtype=torch.uint8) // 2 + 64  # room for what bicubic overshoots by
    fast = resize_planes(images, SIZE, mode, fixed_point=True)
    assert fast.dtype == torch.uint8
    assert (fast.int() - resize_planes(images, SIZE, mode).int()).abs().max() <= 1


def test_no_image_is_resized_to_no_image() -> None:
    assert resize_planes(torch.empty(0, 3, 8, 8), SIZE).shape == (0, 3, *SIZE)


def test_the_filter_is_pillows() -> None:
    image = pytest.importorskip("PIL.Image")
    plane = pixels(1, 45, 33, dtype=torch.float32)
    theirs = image.fromarray(plane[0].numpy()).resize(SIZE[::-1], image.Resampling.BILINEAR)
    np.testing.assert_allclose(resize_planes(plane, SIZE)[0].numpy(), np.asarray(theirs), atol=1e-5)
