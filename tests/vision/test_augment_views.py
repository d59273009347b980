"""``vision/standard`` as a whole: beside torchvision step by step, and the same bits in any batch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vicreg_core.contracts import DataInfo
from vicreg_core.contracts.keys import Keys
from vicreg_core.errors import DataError
from vicreg_vision.augmentations.build import build_standard
from vicreg_vision.augmentations.config import StandardAugmentationConfig
from vicreg_vision.augmentations.plan import draw_plan
from vicreg_vision.augmentations.presets import for_view
from vicreg_vision.augmentations.standard import StandardAugmentation

MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]


def facts(channels: int = 3, height: int | None = 32, width: int | None = 32, **changes: Any) -> DataInfo:
    base = {"kind": "image", "channels": channels, "height": height, "width": width}
    base |= {"uniform": height is not None, "dtype": "uint8"}
    base |= {"mean": (MEAN * 2)[:channels], "std": (STD * 2)[:channels]}
    return DataInfo(facts=base | changes)


def build(info: DataInfo | None = None, **config: Any) -> StandardAugmentation:
    return build_standard(StandardAugmentationConfig(**config), info or facts())


def images(count: int, channels: int = 3, height: int = 32, width: int = 32) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, channels, height, width), dtype=torch.uint8, generator=generator)


def keys(count: int, view: int = 0, epoch: int = 0) -> Keys:
    return Keys.of(0, epoch, torch.arange(count), view)


OFFICIAL = {"preset": "official", "size": 40, "blur": [0.6, 0.1], "solarise": [0.3, 0.2]}


@pytest.mark.parametrize("config", [{"preset": "small"}, {"preset": "paper", "size": 48}, OFFICIAL])
def test_a_view_is_torchvisions_operations_in_the_planned_order(config: dict[str, Any]) -> None:
    pytest.importorskip("torchvision")
    augmentation, batch = build(facts(height=50, width=44), **config), images(40, height=50, width=44)
    views = augmentation(batch, keys(40))
    plan = draw_plan(keys(40), augmentation.settings, (50, 44))
    bare = build(facts(height=50, width=44), **(config | NO_COLOUR))
    crops = bare(batch, keys(40))
    for place, sample in enumerate(plan.order.tolist()):
        expected = reference(crops[sample].clamp(0, 1), augmentation, plan, place)
        torch.testing.assert_close(views[sample], expected, rtol=0, atol=2e-4)


NO_COLOUR = {"jitter_probability": 0.0, "grayscale": 0.0, "normalize": False, "blur": 0.0, "solarise": 0.0}


def reference(image: Tensor, augmentation: StandardAugmentation, plan: Any, place: int) -> Tensor:
    """The planned view of one crop by torchvision's functional operations."""
    import torchvision.transforms.v2.functional as functional

    settings, jitter = augmentation.settings, plan.jitter
    for turn in range(jitter.rounds + 1):
        if turn == plan.hue_rounds[place]:
            image = functional.adjust_hue(image, float(jitter.hue[place]))
        if turn == jitter.rounds or plan.hue_rounds[place] > jitter.rounds:
            continue
        gain = float(jitter.gain[place, turn])
        if jitter.to_mean[place, turn] != 0:
            image = functional.adjust_contrast(image, gain)
        elif jitter.to_gray[place, turn] != 0:
            image = functional.adjust_saturation(image, gain)
        else:
            image = functional.adjust_brightness(image, gain)
    if plan.gray[place]:
        image = functional.rgb_to_grayscale(image, 3)
    if plan.blurred[place]:
        image = F.pad(image, (settings.blur_kernel // 2,) * 4, mode="reflect")
        half = plan.kernels[place]
        kernel = torch.cat([half[1:].flip(0), half])
        image = F.conv2d(image[:, None], kernel[None, None, :, None] * kernel)[:, 0]
    if plan.solarised[place]:
        image = functional.solarize(image, settings.solarise_threshold)
    return functional.normalize(image, MEAN, STD)


def test_the_planned_order_takes_every_permutation_equally_often() -> None:
    plan = draw_plan(keys(20_000), build(preset="small", jitter_probability=1.0).settings, None)
    assert plan.jitter is not None
    kind = (plan.jitter.to_mean != 0) + 2 * (plan.jitter.to_gray != 0).long()
    code = torch.tensor(plan.hue_rounds) * 27 + (kind * torch.tensor([1, 3, 9])).sum(dim=1)
    counts = code.bincount()
    counts = counts[counts > 0]
    assert len(counts) == 24
    assert ((counts - 20_000 / 24) ** 2 / (20_000 / 24)).sum() < 60


@pytest.mark.parametrize("uniform", [True, False])
def test_small_views_beside_large_ones(uniform: bool) -> None:
    info = facts(height=50, width=44) if uniform else facts(height=None, width=None)
    several = build(info, preset="small", size=[32, 20], crop_scale=[[0.2, 1.0], [0.05, 0.3]])
    alone = build(info, preset="small", size=20, crop_scale=[0.05, 0.3])
    batch = images(6, height=50, width=44)

    def view(augmentation: StandardAugmentation, number: int | None) -> Tensor:
        if uniform:
            return augmentation(batch, None if number is None else keys(6, number))
        each = [None if number is None else keys(6, number)[row] for row in range(6)]
        prepared = [augmentation.prepare(image, key) for image, key in zip(batch, each, strict=True)]
        return augmentation(augmentation.collate(prepared), None if number is None else keys(6, number))

    assert view(several, 0).shape == view(several, None).shape == (6, 3, 32, 32)
    for number in (1, 2, 5):
        assert torch.equal(view(several, number), view(alone, number))
    larger = build(
        info, preset="small", size=[32, 20], crop_scale=[[0.2, 1.0], [0.05, 0.3]], evaluation_size=40
    )
    assert torch.equal(view(larger, 0), view(several, 0))
    assert torch.equal(view(larger, None), view(build(info, preset="small", size=40), None))


def test_the_planned_decisions_follow_the_settings() -> None:
    augmentation = build(preset="official", size=64)
    for view, blur, solarise in ((0, 1.0, 0.0), (1, 0.1, 0.2), (2, 0.1, 0.2)):
        plan = draw_plan(keys(10_000, view), for_view(augmentation.views, view), None)
        assert plan.jitter is not None
        jittered = torch.tensor(plan.hue_rounds) <= plan.jitter.rounds
        for fires, rate in (
            (plan.blurred, blur),
            (plan.solarised, solarise),
            (plan.gray, 0.2),
            (jittered, 0.8),
        ):
            assert abs(fires.float().mean() - rate) < 0.02
        gain = plan.jitter.gain[jittered]
        saturation = plan.jitter.to_gray[jittered] != 0
        assert gain[saturation].min() == pytest.approx(0.8, abs=0.01)
        assert gain[~saturation].max() == pytest.approx(1.4, abs=0.01)
        assert plan.jitter.hue.abs().max() == pytest.approx(0.1, abs=0.01)
        assert (plan.jitter.gain[~jittered] == 1.0).all()


@pytest.mark.parametrize(
    ("channels", "size", "config"),
    [
        (3, 32, {"preset": "small"}),
        (3, 33, {"preset": "paper", "size": 29}),
        (3, 64, {"preset": "official", "size": 64, "blur": 0.7, "solarise": 0.5}),
        (3, 224, {"preset": "paper"}),
        (1, 28, {"preset": "small"}),
        (5, 40, {"preset": "paper", "size": 40}),
    ],
)
@pytest.mark.filterwarnings("ignore:vision/standard")
def test_a_view_has_the_same_bits_in_any_batch(channels: int, size: int, config: dict[str, Any]) -> None:
    count = 8 if size > 100 else 64
    augmentation = build(facts(channels, size, size), **config)
    batch, view_keys = images(count, channels, size, size), keys(count, view=1)
    together = augmentation(batch, view_keys)
    shuffled = torch.randperm(count, generator=torch.Generator().manual_seed(1))
    for rows in (torch.tensor([3]), torch.arange(7), shuffled, shuffled[: count // 2]):
        assert torch.equal(augmentation(batch[rows], view_keys[rows]), together[rows])


def test_a_view_has_the_same_bits_on_any_number_of_threads() -> None:
    """One large image alone is where torch splits a reduction over threads."""
    augmentation = build(facts(3, 224, 224), preset="small", jitter_probability=1.0)
    batch, before = images(4, 3, 224, 224), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        together = augmentation(batch, keys(4))
        torch.set_num_threads(2)
        alone = torch.cat([augmentation(batch[i : i + 1], keys(4)[i]) for i in range(4)])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(alone, together)


def test_an_empty_batch_makes_an_empty_view() -> None:
    augmentation = build(preset="small")
    assert augmentation(images(0), keys(0)).shape == (0, 3, 32, 32)
    assert augmentation(images(0)).shape == (0, 3, 32, 32)


def test_views_differ_between_views_epochs_and_samples() -> None:
    augmentation, batch = build(preset="small"), images(1).expand(16, -1, -1, -1)
    base = augmentation(batch, keys(16))
    assert not torch.equal(base, augmentation(batch, keys(16, view=1)))
    assert not torch.equal(base, augmentation(batch, keys(16, epoch=1)))
    assert len({view.numpy().tobytes() for view in base}) == 16


def test_a_view_leaves_its_batch_alone() -> None:
    batch = images(8)
    before = batch.clone()
    build(preset="small")(batch, keys(8))
    build(preset="small")(batch)
    assert torch.equal(batch, before)


def test_crops_made_by_workers_are_those_made_in_the_batch() -> None:
    """The same boxes; worker crops are rounded to 8 bits."""
    config = {"preset": "small", "size": 24, **NO_COLOUR}
    batch = images(16, height=40, width=50)
    uniform = build(facts(height=40, width=50), **config)
    each = build(facts(height=None, width=None), **config)
    assert each.per_sample
    assert not uniform.per_sample
    prepared = each.collate([each.prepare(batch[row], keys(16)[row]) for row in range(16)])
    assert prepared.dtype == torch.uint8
    expected = uniform(batch, keys(16))
    torch.testing.assert_close(each(prepared, keys(16)), expected, rtol=0, atol=1.01 / 255)


def test_images_of_unlike_size_become_one_batch() -> None:
    augmentation = build(facts(height=None, width=None), preset="paper", size=48)
    sizes = [(50, 70), (200, 31), (48, 48), (5, 9)]
    samples = [images(1, height=h, width=w)[0] for h, w in sizes]
    for view_keys in (keys(4), None):
        prepared = [
            augmentation.prepare(sample, None if view_keys is None else view_keys[row])
            for row, sample in enumerate(samples)
        ]
        views = augmentation(augmentation.collate(prepared), view_keys)
        assert views.shape == (4, 3, 48, 48)
        assert views.dtype == torch.float32
        assert views.isfinite().all()


def test_the_evaluation_view_of_images_at_size_is_normalisation() -> None:
    batch = images(6)
    expected = (batch / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    torch.testing.assert_close(build(preset="small")(batch), expected, rtol=0, atol=1e-5)
    raw = build(preset="small", normalize=False)(batch)
    torch.testing.assert_close(raw, batch / 255, rtol=0, atol=1e-6)


def test_the_evaluation_view_resizes_the_shorter_side_and_crops_the_centre() -> None:
    functional = pytest.importorskip("torchvision.transforms.v2.functional")
    batch = images(3, height=60, width=100)
    augmentation = build(facts(height=60, width=100), preset="paper", size=28, blur=0.0, normalize=False)
    resized = functional.resize(batch, [32], antialias=True)
    expected = functional.center_crop(resized, [28, 28]) / 255
    torch.testing.assert_close(augmentation(batch), expected, rtol=0, atol=1.01 / 255)
    prepared = torch.stack([augmentation.prepare(image, None) for image in batch])
    assert torch.equal(augmentation(prepared), augmentation(batch))


def test_evaluation_views_do_not_depend_on_the_batch() -> None:
    augmentation = build(facts(height=60, width=47), preset="official", size=32, blur=0.0)
    batch = images(9, height=60, width=47)
    together = augmentation(batch)
    assert torch.equal(together, torch.cat([augmentation(batch[row : row + 1]) for row in range(9)]))


@pytest.mark.parametrize(("dtype", "white"), [("uint16", 65535), ("float32", 1.0)])
def test_other_dtypes_make_the_views_of_the_same_intensities(dtype: str, white: float) -> None:
    eight_bit = images(8)
    scaled = (eight_bit.double() / 255 * white).round() if dtype == "uint16" else eight_bit / 255
    other = build(facts(dtype=dtype), preset="small")
    views = other(scaled.to(getattr(torch, dtype)), keys(8))
    torch.testing.assert_close(views, build(preset="small")(eight_bit, keys(8)), rtol=0, atol=2e-3)
    assert other.prepare(scaled[0].to(getattr(torch, dtype)), None).dtype == getattr(torch, dtype)


def test_batches_that_do_not_fit_are_refused() -> None:
    augmentation = build(preset="small")
    with pytest.raises(DataError, match=r"\(B, 3, H, W\), got \(2, 1, 32, 32\)"):
        augmentation(images(2, channels=1), keys(2))
    with pytest.raises(DataError, match=r"uint8 images, got torch\.float32"):
        augmentation(images(2).float(), keys(2))
    with pytest.raises(DataError, match="takes a tensor of images, got dict"):
        augmentation({"image": images(2)}, keys(2))
    with pytest.raises(DataError, match=r"\(3, H, W\)"):
        augmentation.prepare(images(2), None)
