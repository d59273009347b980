from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from tests.biomedical.fixtures import cells
from vicreg_biomedical.augmentations.cells import build
from vicreg_biomedical.augmentations.config import PRESETS, CellsConfig
from vicreg_core.contracts import DataInfo
from vicreg_core.contracts.keys import Keys, hash_ids
from vicreg_core.errors import DataError, RecipeError

EVERYTHING = CellsConfig(
    preset="histology", elastic=1.0, gain=(0.8, 1.2), coarse_dropout=0.2, channel_dropout=0.2
)


def keys_of(data: object, epoch: int = 0, view: int = 0) -> Keys:
    return Keys.of(0, epoch, hash_ids(data.ids), view)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "config", [CellsConfig(preset="fluorescence"), EVERYTHING], ids=["fluorescence", "all"]
)
@pytest.mark.parametrize("rows", [[5], [7, 3], list(range(11, 42)), list(range(47, -1, -1))])
def test_a_view_is_bitwise_the_same_whatever_the_batch(config: CellsConfig, rows: list[int]) -> None:
    data = cells()
    views, keys = build(config, data.info), keys_of(data)
    whole = views(data.__getitems__(range(48)), keys)
    part = views(data.__getitems__(rows), keys[torch.tensor(rows)])
    assert torch.equal(part, whole[rows])


def test_views_and_epochs_differ_and_a_key_repeats() -> None:
    data = cells()
    views, batch = build(CellsConfig(), data.info), data.__getitems__(range(48))
    first = views(batch, keys_of(data))
    assert torch.equal(first, views(batch, keys_of(data)))
    for other in (keys_of(data, view=1), keys_of(data, epoch=1)):
        assert (first - views(batch, other)).abs().mean() > 0.1


@pytest.mark.parametrize("channels", [1, 2, 5, 8])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_any_number_of_channels_and_dtype(channels: int, dtype: type) -> None:
    from vicreg_biomedical.datasets.statistics import crop_facts

    pixels = np.random.default_rng(0).integers(0, 200, (6, channels, 20, 20)).astype(dtype)
    names = [str(c) for c in range(channels)]
    info = DataInfo(crop_facts(pixels, names, bit_depth=None, canvas=(20, 20)))
    views = build(CellsConfig(size=16), info)
    keys = Keys.of(0, 0, torch.arange(6), 0)
    for made in (views(torch.from_numpy(pixels), keys), views(torch.from_numpy(pixels))):
        assert made.shape == (6, channels, 16, 16)
        assert made.dtype == torch.float32
        assert torch.isfinite(made).all()


def test_the_evaluation_view_is_the_standardised_crop() -> None:
    data = cells(200)
    view = build(CellsConfig(), data.info)(data.__getitems__(range(200)))
    assert view.mean(dim=(0, 2, 3)).abs().max() < 0.05
    assert (view.std(dim=(0, 2, 3)) - 1).abs().max() < 0.1


def test_the_evaluated_field_may_differ_from_the_training_views() -> None:
    data = cells()
    crops = data.__getitems__(np.arange(4))
    narrow, wide, mixed = (
        build(CellsConfig(preset="none", **fields), data.info)
        for fields in ({"field": 0.5}, {}, {"field": 0.5, "evaluation_field": 1.0})
    )
    keys = Keys.of(0, 0, torch.arange(4), 0)
    assert torch.equal(mixed(crops, keys), narrow(crops, keys))
    assert torch.equal(mixed(crops), wide(crops))
    assert not torch.equal(narrow(crops), wide(crops))


def test_right_angles_only_move_pixels() -> None:
    data = cells()
    batch = data.__getitems__(range(48))
    turned = build(CellsConfig(preset="none", rotate="right-angles", flip=True), data.info)
    upright = build(CellsConfig(preset="none"), data.info)(batch)
    made = turned(batch, keys_of(data))
    orientations = [t.rot90(k, (2, 3)) for t in (upright, upright.flip(3)) for k in range(4)]
    nearest = torch.stack([(made - o).abs().amax(dim=(1, 2, 3)) for o in orientations])
    assert nearest.amin(dim=0).max() < 1e-3
    assert len(nearest.argmin(dim=0).unique()) == 8


def test_presets_turn_no_hue_and_never_solarise() -> None:
    assert not {"hue", "solarise", "solarize"} & {key for preset in PRESETS.values() for key in preset}
    assert not {"hue", "solarise"} & set(CellsConfig.model_fields)


def test_a_key_overrides_its_preset() -> None:
    assert CellsConfig(preset="fluorescence", zoom=None).zoom is None
    assert CellsConfig(preset="fluorescence").zoom == PRESETS["fluorescence"]["zoom"]


def test_stain_jitter_needs_rgb_and_says_so() -> None:
    data = cells()
    info = DataInfo({**data.info.facts, "channels": 4})
    with pytest.raises(RecipeError, match=r"stain jitter needs 3 channels .* has 4"):
        build(CellsConfig(preset="histology"), info)


def test_pairs_are_ordered() -> None:
    with pytest.raises(ValidationError, match="low <= high"):
        CellsConfig(zoom=(1.2, 0.8))


@pytest.mark.parametrize("preset", [{"name": "x"}, ["none"], 3, None])
def test_a_preset_that_is_no_name_is_a_mistake_of_the_recipe(preset: object) -> None:
    with pytest.raises(ValidationError, match="preset"):
        CellsConfig.model_validate({"preset": preset})


def test_channel_dropout_always_leaves_one() -> None:
    data = cells()
    config = CellsConfig(preset="none", channel_dropout=1.0)
    made = build(config, data.info)(data.__getitems__(range(48)), keys_of(data))
    assert ((made != 0).any(dim=(2, 3)).sum(dim=1) == 1).all()


def test_noise_grows_with_light_and_blur_keeps_the_sum() -> None:
    from vicreg_biomedical.augmentations.intensity import camera_noise, defocus

    keys = Keys.of(0, 0, torch.arange(400), 0)
    flat = torch.cat([torch.full((400, 1, 12, 12), 0.1), torch.full((400, 1, 12, 12), 0.9)], dim=1)
    noisy = camera_noise(flat, CellsConfig(preset="none", photons=(100.0, 100.0)), keys)
    touched = noisy.ne(flat).flatten(1).any(dim=1)
    assert 0.4 < touched.float().mean() < 0.6
    variance = noisy[touched].var(dim=(0, 2, 3))
    torch.testing.assert_close(variance, torch.tensor([0.1, 0.9]) / 100, rtol=0.1, atol=0)
    spot = torch.zeros(400, 1, 21, 21)
    spot[:, :, 10, 10] = 1.0
    blurred = defocus(spot, (0.8, 1.2), keys)
    torch.testing.assert_close(blurred.sum(dim=(1, 2, 3)), torch.ones(400), rtol=1e-5, atol=1e-5)
    assert blurred.amax() == 1.0
    assert blurred.amax(dim=(1, 2, 3)).min() < 0.3


def test_a_constant_channel_is_named() -> None:
    data = cells()
    facts = {
        **data.info.facts,
        "statistics": {**data.info.facts["statistics"], "high": [5.0, 7.0, 9.0], "low": [1.0, 7.0, 2.0]},
    }
    with pytest.raises(DataError, match="channel cytoplasm is constant"):
        build(CellsConfig(), DataInfo(facts))
    build(CellsConfig(normalise="cell"), DataInfo(facts))


def test_ingest_names_what_does_not_fit(tmp_path) -> None:
    data = cells()
    views = build(CellsConfig(), data.info)
    crop = data[0]
    assert torch.equal(views.ingest(crop.numpy()), crop)
    with pytest.raises(DataError, match="NaN"):
        views.ingest(np.full((3, 24, 24), np.nan, np.float32))
    with pytest.raises(DataError, match="3 channels the model was trained on"):
        views.ingest(crop.numpy()[:2])
    with pytest.raises(DataError, match="there is no file"):
        views.ingest(tmp_path / "gone.tif")
    with pytest.raises(DataError, match="float64"):
        views.ingest(crop.numpy().astype(np.float64))


def test_other_sizes_come_to_the_canvas_at_the_same_pixel_size() -> None:
    data = cells()
    views = build(CellsConfig(), data.info)
    small, large = (
        data[0][:, 2:-2, 2:-2],
        torch.nn.functional.pad(data[0].float(), (3, 3, 3, 3)).to(torch.int32),
    )
    assert torch.equal(views.prepare(small, None)[:, 2:-2, 2:-2], small)
    assert torch.equal(views.prepare(large, None), data[0].to(torch.int32))
    assert views.collate([small, data[1]]).shape == (2, 3, 24, 24)


def test_another_kind_of_data_is_refused() -> None:
    with pytest.raises(DataError, match="of kind 'documents'"):
        build(CellsConfig(), DataInfo({"kind": "documents"}))


@pytest.mark.parametrize(
    ("names", "rgb"), [(("red", "green", "blue"), True), (("dna", "er", "actin"), False)]
)
def test_dyes_are_not_shown_as_red_green_and_blue(names: tuple[str, ...], rgb: bool) -> None:
    from vicreg_biomedical.datasets.statistics import crop_facts

    pixels = np.zeros((1, 3, 8, 8), dtype=np.uint8)
    pixels[:, 0, :4] = 200
    info = DataInfo(crop_facts(pixels, names, bit_depth=None, canvas=(8, 8)))
    (picture,) = build(CellsConfig(normalise="range"), info).show(torch.from_numpy(pixels).float())
    assert (picture[0, 0].tolist() == [255, 0, 0]) == rgb
