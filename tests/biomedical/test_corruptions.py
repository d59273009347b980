"""Graded damage to crops of cells: worse by severity, keyed by sample, seen through normalisation."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.biomedical.fixtures import cells
from vicreg_biomedical.augmentations.cells import build
from vicreg_biomedical.augmentations.config import CellsConfig
from vicreg_biomedical.augmentations.corruptions import STRENGTHS, SUMMARIES, corrupt_crops
from vicreg_core.contracts.keys import Keys, hash_ids
from vicreg_core.contracts.severity import SEVERITIES

NAMES = list(SUMMARIES)


def keys_of(data: Any, seed: int = 0) -> Keys:
    return Keys.of(seed, 0, hash_ids(data.ids), 0)


@pytest.mark.parametrize("name", NAMES)
def test_the_distortion_grows_with_severity(name: str) -> None:
    data = cells()
    views, batch = build(CellsConfig(), data.info), data.__getitems__(range(48))
    clean = views(batch)
    changes = [
        float((views.corrupt(batch, name, severity, keys_of(data)) - clean).square().mean())
        for severity in SEVERITIES
    ]
    assert changes[0] > 0
    assert changes == sorted(set(changes))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("normalise", ["percentile", "range", "cell"])
def test_views_keep_their_form_and_the_batch_is_left_alone(name: str, normalise: Any) -> None:
    data = cells()
    views, batch = build(CellsConfig(normalise=normalise), data.info), data.__getitems__(range(48))
    before = batch.clone()
    made = views.corrupt(batch, name, 5, keys_of(data))
    assert torch.equal(batch, before)
    assert made.dtype == torch.float32
    assert made.shape == views(batch).shape
    assert torch.isfinite(made).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rows", [[5], [7, 3], list(range(47, -1, -1))])
def test_a_crop_is_damaged_alike_in_any_batch(name: str, rows: list[int]) -> None:
    data = cells()
    views, keys = build(CellsConfig(), data.info), keys_of(data)
    whole = views.corrupt(data.__getitems__(range(48)), name, 3, keys)
    part = views.corrupt(data.__getitems__(rows), name, 3, keys[torch.tensor(rows)])
    torch.testing.assert_close(part, whole[rows], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["photon-noise", "read-noise", "illumination", "gain"])
def test_seeds_differ(name: str) -> None:
    data = cells()
    views, batch = build(CellsConfig(), data.info), data.__getitems__(range(48))
    first, other = (views.corrupt(batch, name, 3, keys_of(data, seed)) for seed in (0, 1))
    assert not torch.equal(first, other)


def flat(value: float, channels: int = 2, side: int = 40, count: int = 64) -> Tensor:
    return torch.full((count, channels, side, side), value)


def damaged(images: Tensor, name: str, severity: int) -> Tensor:
    return corrupt_crops(images, name, severity, Keys.of(0, 0, torch.arange(len(images)), 0))


@pytest.mark.parametrize("severity", SEVERITIES)
def test_photons_are_counted(severity: int) -> None:
    photons = STRENGTHS["photon-noise"][severity - 1]
    for light in (0.25, 1.0):
        noisy = damaged(flat(light), "photon-noise", severity)
        assert float(noisy.mean()) == pytest.approx(light, abs=0.005)
        assert float(noisy.var()) == pytest.approx(light / photons, rel=0.03)
    assert torch.equal(damaged(flat(0.0), "photon-noise", severity), flat(0.0))


def test_read_noise_does_not_depend_on_the_light() -> None:
    dark, light = (float((damaged(flat(v), "read-noise", 2) - v).std()) for v in (0.0, 1.0))
    assert dark == pytest.approx(light, rel=1e-3) == pytest.approx(STRENGTHS["read-noise"][1], rel=0.02)


def test_light_rises_across_the_crop_in_any_direction() -> None:
    field = damaged(flat(1.0), "illumination", 3)
    torch.testing.assert_close(field[:, 0], field[:, 1])
    torch.testing.assert_close(field.mean((2, 3)), torch.ones(64, 2))
    down, right = field[:, 0, -1].mean(1) - 1, field[:, 0, :, -1].mean(1) - 1
    torch.testing.assert_close((down**2 + right**2).sqrt(), torch.full((64,), STRENGTHS["illumination"][2]))
    assert all((part > 0.1).any() and (part < -0.1).any() for part in (down, right))


def test_gain_is_a_factor_up_or_down_for_each_channel() -> None:
    made = damaged(flat(1.0), "gain", 4)[:, :, 0, 0]
    assert sorted(made.unique().tolist()) == [0.5, 2.0]
    assert (made[:, 0] != made[:, 1]).any()


def test_defocus_keeps_the_light() -> None:
    spot = torch.zeros(2, 1, 41, 41)
    spot[:, :, 20, 20] = 1
    made = damaged(spot, "defocus", 5)
    torch.testing.assert_close(made.sum((2, 3)), torch.ones(2, 1))
    assert made.max() < 0.05


def test_normalisation_by_cell_undoes_what_is_the_same_for_all_of_a_channel() -> None:
    data = cells()
    views, batch = build(CellsConfig(normalise="cell"), data.info), data.__getitems__(range(48))
    clean = views(batch)
    for name in ("gain", "background"):
        torch.testing.assert_close(views.corrupt(batch, name, 5, keys_of(data)), clean, rtol=0, atol=1e-4)
    assert (views.corrupt(batch, "read-noise", 5, keys_of(data)) - clean).abs().mean() > 0.05


def test_views_by_monai_are_damaged_alike() -> None:
    pytest.importorskip("monai")
    from vicreg_biomedical.augmentations.config import MonaiConfig
    from vicreg_biomedical.augmentations.monai import build as build_monai

    data = cells()
    by_monai = build_monai(MonaiConfig(transforms=[{"name": "RandFlip", "prob": 0.5}]), data.info)
    raw = data.__getitems__(range(48))
    batch = by_monai.collate([by_monai.prepare(crop, None) for crop in raw])
    plain = build(CellsConfig(preset="none"), data.info)
    for name in NAMES:
        made = by_monai.corrupt(batch, name, 2, keys_of(data))
        expected = plain.corrupt(raw, name, 2, keys_of(data))
        torch.testing.assert_close(made, expected)


def test_wrong_names_and_severities_are_refused() -> None:
    with pytest.raises(ValueError, match=r"no corruption .fog. .there are: photon-noise, "):
        damaged(flat(1.0), "fog", 1)
    with pytest.raises(ValueError, match="1 to 5, got 0"):
        damaged(flat(1.0), "gain", 0)


def test_every_corruption_has_a_line_and_five_strengths() -> None:
    assert list(STRENGTHS) == NAMES
    assert all(len(strengths) == len(SEVERITIES) for strengths in STRENGTHS.values())
