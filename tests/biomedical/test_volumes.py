"""Volumes ``(C, D, H, W)``: read, viewed and encoded as such, or projected where that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.biomedical.fixtures import write_tiff
from vicreg_biomedical.augmentations import cells, monai
from vicreg_biomedical.augmentations.config import CellsConfig, MonaiConfig
from vicreg_biomedical.augmentations.corruptions import STRENGTHS
from vicreg_biomedical.datasets.config import CropsConfig, PlateConfig
from vicreg_biomedical.datasets.crops import build as build_crops
from vicreg_biomedical.datasets.pixels import project_depth
from vicreg_biomedical.datasets.plate import build as build_plate
from vicreg_biomedical.encoders import config as encoders
from vicreg_biomedical.encoders import monai_nets
from vicreg_biomedical.encoders.channel_adaptive import build as build_adaptive
from vicreg_biomedical.encoders.small_cnn import build as build_small
from vicreg_biomedical.images.image import to_channels_first
from vicreg_biomedical.images.readers import read_image
from vicreg_core.contracts import DataInfo
from vicreg_core.contracts.keys import Keys
from vicreg_core.errors import DataError, RecipeError
from vicreg_core.models.precision import Precision

RNG = np.random.default_rng(0)
IDS = torch.arange(6)


def volumes(*shape: int) -> np.ndarray:
    return RNG.integers(0, 4000, shape).astype(np.uint16)


def saved(folder: Path, array: np.ndarray, **options: Any) -> Any:
    folder.mkdir(exist_ok=True)
    np.save(folder / "cells.npy", array)
    return build_crops(CropsConfig(path=str(folder / "cells.npy"), **options), "train")


def info(channels: int = 2, depth: int = 8, side: int = 32) -> DataInfo:
    return DataInfo({"channels": channels, "depth": depth, "height": side, "width": side})


@pytest.mark.parametrize(
    ("axes", "shape", "expected"),
    [
        ("ZYX", (3, 4, 5), (1, 3, 4, 5)),
        ("TZCYX", (1, 3, 2, 4, 5), (2, 3, 4, 5)),
        ("CZYX", (2, 1, 4, 5), (2, 4, 5)),
    ],
)
def test_planes_in_depth_follow_the_channel(
    axes: str, shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    array = np.arange(np.prod(shape)).reshape(shape)
    brought = to_channels_first(array, axes, "stack.tif")
    assert brought.shape == expected
    if axes == "TZCYX":
        assert np.array_equal(brought, array[0].transpose(1, 0, 2, 3))


def test_an_ome_stack_keeps_every_plane_and_the_names_of_its_channels(tmp_path: Path) -> None:
    stack = volumes(5, 2, 20, 24)
    image = read_image(write_tiff(tmp_path / "z.ome.tif", stack, "ZCYX", ["DNA", "ER"]))
    assert np.array_equal(image.pixels, stack.transpose(1, 0, 2, 3))
    assert image.channel_names == ("DNA", "ER")


@pytest.mark.parametrize(("axes", "moved"), [("NCDHW", (0, 1, 2, 3, 4)), ("NDHWC", (0, 2, 3, 4, 1))])
def test_arrays_of_volumes_by_their_axes(tmp_path: Path, axes: str, moved: tuple[int, ...]) -> None:
    array = volumes(6, 2, 5, 20, 24)
    data = saved(tmp_path, array.transpose(moved), axes=axes)
    assert np.array_equal(data.crops, array)
    assert {k: data.info.facts[k] for k in ("channels", "depth", "height", "width")} == {
        "channels": 2,
        "depth": 5,
        "height": 20,
        "width": 24,
    }
    gray = saved(tmp_path / "gray", array[:, 0], axes="NDHW")
    assert np.array_equal(gray.crops[:, 0], array[:, 0])


def test_the_gray_volumes_of_medmnist_are_no_pictures_in_many_colours(tmp_path: Path) -> None:
    images = RNG.integers(0, 250, (4, 28, 28, 28)).astype(np.uint8)
    np.savez(tmp_path / "organ.npz", train_images=images, train_labels=np.array([[0], [1], [0], [1]]))
    data = build_crops(CropsConfig(path=str(tmp_path / "organ.npz")), "train")
    assert data is not None
    assert data.info.facts["channels"] == 1
    assert data[2].shape == (1, 28, 28, 28)


@pytest.mark.parametrize("how", ["max", "mean"])
def test_projections(tmp_path: Path, how: str) -> None:
    array = volumes(6, 2, 5, 20, 24)
    data = saved(tmp_path, array, axes="NCDHW", depth=how)
    expected = array.max(axis=2) if how == "max" else array.mean(axis=2).round()
    assert data.crops.dtype == np.uint16
    assert np.array_equal(data.crops, expected)
    views = cells.build(CellsConfig(), data.info)
    assert torch.equal(views.ingest(array[0]), data[0])


def test_a_folder_of_flat_and_deep_images_is_refused(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.ome.tif", volumes(2, 20, 24), "CYX")
    write_tiff(tmp_path / "b.ome.tif", volumes(2, 5, 20, 24), "CZYX")
    with pytest.raises(
        DataError, match=r"b\.ome\.tif: is a volume .* a\.ome\.tif is a flat image.*data\.depth=max"
    ):
        build_crops(CropsConfig(path=str(tmp_path)), "train")
    data = build_crops(CropsConfig(path=str(tmp_path), depth="max"), "train")
    assert data is not None
    assert data[1].shape == (2, 20, 24)


def test_volumes_of_unlike_depth_share_a_canvas(tmp_path: Path) -> None:
    for name, depth in (("a", 4), ("b", 6), ("c", 6)):
        write_tiff(tmp_path / f"{name}.ome.tif", volumes(2, depth, 20, 24), "CZYX")
    data = build_crops(CropsConfig(path=str(tmp_path)), "train")
    assert data is not None
    for fit in ("pad", "resize"):
        views = cells.build(CellsConfig(fit=fit), data.info)
        brought = views.prepare(data[0], None)
        assert brought.shape == (2, 6, 20, 24)
        assert torch.equal(brought[:, 1:5], data[0])
        assert torch.equal(brought[:, 5], data[0][:, 3])


def test_cells_cut_through_all_planes_of_a_site(tmp_path: Path) -> None:
    mask = np.zeros((60, 60), np.uint16)
    mask[18:23, 18:23], mask[38:43, 28:33] = 1, 2
    stack = volumes(4, 2, 60, 60)
    write_tiff(tmp_path / "s.ome.tif", stack, "ZCYX")
    write_tiff(tmp_path / "s_mask.tif", mask, "YX")
    options: dict[str, Any] = {"path": str(tmp_path), "masks": "{stem}_mask.tif", "crop": 16}
    for cache in (None, str(tmp_path / "cache")):
        data = build_plate(PlateConfig(**options, cache=cache), "train")
        assert data is not None
        assert data.crops.shape == (2, 2, 4, 16, 16)
        assert np.array_equal(data.crops[1], stack.transpose(1, 0, 2, 3)[:, :, 32:48, 22:38])
    flat = build_plate(PlateConfig(**options, depth="max"), "train")
    assert flat is not None
    assert np.array_equal(flat.crops, data.crops.max(axis=2))
    write_tiff(tmp_path / "t.ome.tif", volumes(3, 2, 60, 60), "ZCYX")
    write_tiff(tmp_path / "t_mask.tif", mask, "YX")
    with pytest.raises(DataError, match=r"t\.ome\.tif: has 3 planes in depth, but earlier sites have 4"):
        build_plate(PlateConfig(**options), "train")


def test_a_mask_with_planes_is_refused(tmp_path: Path) -> None:
    write_tiff(tmp_path / "s.ome.tif", volumes(4, 40, 40), "ZYX")
    write_tiff(tmp_path / "s_mask.tif", np.ones((4, 40, 40), np.uint16), "ZYX")
    with pytest.raises(DataError, match=r"s_mask\.tif: the mask has 4 planes in depth"):
        build_plate(PlateConfig(path=str(tmp_path), masks="{stem}_mask.tif", crop=16), "train")


@pytest.mark.parametrize("preset", ["fluorescence", "brightfield"])
def test_every_plane_is_seen_as_it_is_alone(tmp_path: Path, preset: Any) -> None:
    """A volume of one plane repeated is viewed as that plane is; noise, drawn a voxel at a time, is off."""
    flat = volumes(6, 2, 24, 24)
    quiet: dict[str, Any] = {
        "preset": preset,
        "photons": None,
        "read_noise": 0.0,
        "size": 20,
        "normalise": "range",
    }
    deep = np.repeat(flat[:, :, None], 3, axis=2)
    keys = Keys.of(0, 0, IDS, 1)
    shallow = cells.build(CellsConfig(**quiet), saved(tmp_path / "flat", flat).info)
    config = CellsConfig(**quiet)
    views = cells.build(config, saved(tmp_path / "deep", deep, axes="NCDHW").info)
    seen, alone = views(torch.from_numpy(deep), keys), shallow(torch.from_numpy(flat), keys)
    assert seen.shape == (6, 2, 3, 20, 20)
    for plane in range(3):
        torch.testing.assert_close(seen[:, :, plane], alone, rtol=1e-4, atol=1e-4)


def test_views_of_volumes_are_random_keyed_and_the_same_alone(tmp_path: Path) -> None:
    data = saved(tmp_path, volumes(6, 2, 5, 24, 24), axes="NCDHW")
    views = cells.build(CellsConfig(elastic=1.0, coarse_dropout=0.2, size=20), data.info)
    batch = data.__getitems__(np.arange(6))
    first, second = (views(batch, Keys.of(0, 0, IDS, view)) for view in (0, 1))
    assert first.shape == (6, 2, 5, 20, 20)
    assert not torch.allclose(first, second)
    assert torch.equal(views(batch[2:3], Keys.of(0, 0, IDS[2:3], 0)), first[2:3])
    assert views(batch, None).shape == (6, 2, 5, 20, 20)
    assert {picture.shape[:2] for picture in views.show(first) or ()} == {(20, 20)}


def test_half_of_the_volumes_are_turned_over() -> None:
    facts = info(1, 4, 16).facts | {"kind": "cells", "uniform": True}
    views = cells.build(CellsConfig(preset="none", flip=True, normalise="cell"), DataInfo(facts))
    ids = torch.arange(200)
    depth = torch.linspace(0, 1, 4)[None, None, :, None, None].expand(200, 1, 4, 16, 16)
    seen = views(depth, Keys.of(0, 0, ids, 0))
    over = (seen[:, 0, 0] > seen[:, 0, 3]).all(dim=(1, 2)).double().mean()
    assert 0.4 < over < 0.6


@pytest.mark.parametrize("name", sorted(STRENGTHS))
def test_volumes_are_damaged_too(tmp_path: Path, name: str) -> None:
    data = saved(tmp_path, volumes(6, 2, 5, 24, 24), axes="NCDHW")
    views, batch = cells.build(CellsConfig(), data.info), data.__getitems__(np.arange(6))
    damaged = views.corrupt(batch, name, 3, Keys.of(0, 0, IDS, 0))
    assert damaged.shape == batch.shape
    assert torch.isfinite(damaged).all()
    assert not torch.allclose(damaged, views(batch, None))


def test_stain_jitter_of_volumes_is_refused(tmp_path: Path) -> None:
    data = saved(tmp_path, volumes(6, 3, 5, 24, 24), axes="NCDHW")
    with pytest.raises(RecipeError, match=r"flat sections but the data has 5 planes"):
        cells.build(CellsConfig(preset="histology"), data.info)


def test_pairs_of_volumes(tmp_path: Path) -> None:
    array = volumes(6, 1, 4, 20, 20)
    np.savez(tmp_path / "cells.npz", image=array, drug=np.array([0, 0, 0, 1, 1, 1]))
    config = CropsConfig(path=str(tmp_path / "cells.npz"), axes="NCDHW", positives="drug")
    data = build_crops(config, "train")
    assert data is not None
    views = cells.build(CellsConfig(preset="none"), data.info)
    batch = data.__getitems__(np.arange(6))
    assert batch.ndim == 6
    own, partner = (views(batch, Keys.of(0, 0, IDS, view)) for view in (0, 1))
    torch.testing.assert_close(own, views(batch, None))
    assert partner.shape == own.shape
    assert not torch.allclose(partner, own)


@pytest.mark.parametrize("build", [build_small, build_adaptive])
def test_flat_encoders_say_what_takes_volumes(build: Any) -> None:
    config = encoders.SmallCNNConfig() if build is build_small else encoders.ChannelAdaptiveConfig()
    with pytest.raises(RecipeError, match=r"volumes of 8 planes.*monai-resnet.*data\.depth=max"):
        build(config, info())


@pytest.mark.parametrize("name", ["resnet", "densenet", "efficientnet", "vit"])
def test_monai_networks_take_volumes(name: str) -> None:
    pytest.importorskip("monai")
    config: Any = {
        "resnet": encoders.MonaiResNetConfig(depth=10),
        "densenet": encoders.MonaiDenseNetConfig(),
        "efficientnet": encoders.MonaiEfficientNetConfig(),
        "vit": encoders.MonaiViTConfig(layers=2, patch_depth=2),
    }[name]
    depth = 32 if name in ("densenet", "efficientnet") else 8
    encoder = getattr(monai_nets, f"build_{name}")(config, info(depth=depth)).eval()
    stack = torch.randn(2, 2, depth, 32, 32)
    made = encoder(stack)
    assert made.shape == (2, encoder.embedding_dim)
    # Depth is an axis of space to the network: the order of the planes matters.
    shuffled = encoder(stack[:, :, torch.randperm(depth, generator=torch.Generator().manual_seed(1))])
    assert (made - shuffled).abs().max() > 0.01 * made.abs().max()


def gradient(encoder: Any, precision: Precision) -> torch.Tensor:
    encoder.zero_grad()
    with precision.autocast():
        output = encoder(torch.randn(8, 2, 12, 16, 16, generator=torch.Generator().manual_seed(0)))
    output.float().square().sum().backward()
    return torch.cat([p.grad.flatten() for p in encoder.parameters() if p.grad is not None])


def test_volumes_on_a_cpu_are_trained_in_float32_whatever_is_asked() -> None:
    pytest.importorskip("monai")
    torch.manual_seed(0)
    encoder = monai_nets.build_resnet(encoders.MonaiResNetConfig(depth=10, width=32), info())
    exact, half = Precision("cpu", torch.float32), Precision("cpu", torch.bfloat16)
    torch.testing.assert_close(gradient(encoder, half.sound_for(encoder)), gradient(encoder, exact))


def test_a_narrower_resnet_has_the_width_it_says() -> None:
    pytest.importorskip("monai")
    for depth, expected in ((18, 128), (50, 512)):
        encoder = monai_nets.build_resnet(encoders.MonaiResNetConfig(depth=depth, width=16), info())
        assert encoder.embedding_dim == expected
        assert encoder.eval()(torch.randn(2, 2, 8, 16, 16)).shape == (2, expected)


def test_networks_that_need_more_planes_say_so() -> None:
    pytest.importorskip("monai")
    for name, config in (
        ("densenet", encoders.MonaiDenseNetConfig()),
        ("efficientnet", encoders.MonaiEfficientNetConfig()),
    ):
        with pytest.raises(RecipeError, match=rf"monai-{name} .* cannot take volumes of 8 planes"):
            getattr(monai_nets, f"build_{name}")(config, info())
    with pytest.raises(RecipeError, match=r"patch_depth is 3, which does not divide volumes of 8"):
        monai_nets.build_vit(encoders.MonaiViTConfig(patch_depth=3), info())


def test_monai_transforms_of_volumes(tmp_path: Path) -> None:
    pytest.importorskip("monai")
    data = saved(tmp_path, volumes(6, 2, 5, 24, 24), axes="NCDHW")
    config = MonaiConfig(transforms=({"name": "RandFlip", "prob": 1.0, "spatial_axis": 0},))
    views = monai.build(config, data.info)
    turned, plain = (views.prepare(data[0], key) for key in (Keys.of(0, 0, IDS[:1], 0), None))
    torch.testing.assert_close(turned, plain.flip(1))


def test_projecting_leaves_flat_images_alone() -> None:
    flat = volumes(2, 20, 24)
    assert project_depth(flat, "max") is flat


def test_a_volume_is_not_taken_for_a_pair_by_a_model_of_flat_images(tmp_path: Path) -> None:
    deep = saved(tmp_path / "deep", volumes(6, 2, 2, 20, 20), axes="NCDHW")
    flat = saved(tmp_path / "flat", volumes(6, 2, 20, 20))
    for data, other in ((deep, flat), (flat, deep)):
        with pytest.raises(DataError, match=r"but the model was trained on .*data\.depth=max"):
            data.for_model(other.info)
    assert deep.for_model(deep.info) is deep
