"""Recipe keys, presets, and what the builder says aloud."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from vicreg_core.contracts import DataInfo
from vicreg_core.contracts.keys import Keys
from vicreg_core.errors import RecipeError
from vicreg_vision.augmentations.build import build_standard
from vicreg_vision.augmentations.config import StandardAugmentationConfig
from vicreg_vision.augmentations.facts import ImageFacts
from vicreg_vision.augmentations.presets import for_view, resolve
from vicreg_vision.augmentations.standard import StandardAugmentation

FACTS = {"kind": "image", "channels": 3, "height": 32, "width": 40, "uniform": True, "dtype": "uint8"}
FACTS |= {"mean": [0.5] * 3, "std": [0.25] * 3}


def build(changes: dict[str, Any] | None = None, **config: Any) -> StandardAugmentation:
    return build_standard(StandardAugmentationConfig(**config), DataInfo(facts=FACTS | (changes or {})))


def test_presets_are_those_of_the_literature() -> None:
    (paper,), (official, odd), (small,) = (
        resolve(StandardAugmentationConfig(preset=name), ImageFacts.of(FACTS))
        for name in ("paper", "official", "small")
    )
    for settings in (paper, official, odd, small):
        assert (settings.brightness, settings.contrast, settings.saturation, settings.hue) == (
            0.4,
            0.4,
            0.2,
            0.1,
        )
        assert (settings.jitter_probability, settings.grayscale, settings.flip) == (0.8, 0.2, 0.5)
        assert settings.crop_ratio == (3 / 4, 4 / 3)
    assert paper.crop_scale == official.crop_scale == (0.08, 1.0)
    assert (paper.blur, paper.solarise, paper.interpolation) == (0.5, 0.1, "bilinear")
    assert (official.blur, official.solarise, official.interpolation) == (1.0, 0.0, "bicubic")
    assert odd == replace(official, blur=0.1, solarise=0.2)
    assert (small.crop_scale, small.blur, small.solarise) == ((0.2, 1.0), 0.0, 0.1)
    assert (paper.size, official.size, small.size) == (224, 224, 32)
    assert paper.blur_kernel == 23


def test_a_key_given_overrides_its_preset() -> None:
    views = resolve(
        StandardAugmentationConfig(preset="official", size=96, blur=0.3, hue=0.0, crop_scale=(0.3, 0.9)),
        ImageFacts.of(FACTS),
    )
    for settings in views:
        assert (settings.blur, settings.hue, settings.crop_scale) == (0.3, 0.0, (0.3, 0.9))
        assert settings.blur_kernel == 9
    assert [settings.solarise for settings in views] == [0.0, 0.2]


def test_further_views_are_as_the_last() -> None:
    assert [for_view((1.0, 0.1), view) for view in range(4)] == [1.0, 0.1, 0.1, 0.1]
    assert [for_view((0.5,), view) for view in range(3)] == [0.5, 0.5, 0.5]


def test_each_view_takes_its_own_of_every_list() -> None:
    config = StandardAugmentationConfig(
        size=(96, 96, 48), crop_scale=((0.3, 1.0), (0.3, 1.0), (0.05, 0.3)), blur=(1.0, 0.1), solarise=0.0
    )
    views = resolve(config, ImageFacts.of(FACTS))
    assert [each.size for each in views] == [96, 96, 48]
    assert [each.crop_scale for each in views] == [(0.3, 1.0), (0.3, 1.0), (0.05, 0.3)]
    assert [each.blur for each in views] == [1.0, 0.1, 0.1]
    assert [each.blur_kernel for each in views] == [9, 9, 5]
    assert {each.solarise for each in views} == {0.0}


def test_the_small_preset_takes_the_size_of_the_images() -> None:
    assert build(preset="small").settings.size == 32
    assert build({"height": 8, "width": 8}, preset="small").settings.size == 8
    unlike = {"height": None, "width": None, "uniform": False}
    assert build(unlike, preset="small").settings.size == 32


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"crop_scale": [0.5, 0.2]}, r"crop_scale: expected \[least, largest\], got \[0.5, 0.2\]"),
        ({"crop_scale": [[0.2, 1.0], [0.5, 0.2]]}, r"crop_scale: expected .*, got \[0.5, 0.2\]"),
        ({"size": [32, 0]}, "greater than 0"),
        ({"size": []}, "at least 1 item"),
        ({"blur_kernel": 4}, "odd number of pixels, got 4"),
        ({"hue": 0.7}, "less than or equal to 0.5"),
        ({"blur": [0.5, 1.5]}, "less than or equal to 1"),
        ({"blur": []}, "at least 1 item"),
        ({"solarise_threshold": 0.0}, "greater than 0"),
        ({"preset": "papr"}, "'paper', 'official' or 'small'"),
        ({"solarize": 0.1}, "Extra inputs are not permitted"),
        ({"size": "32"}, "valid integer"),
    ],
)
def test_mistakes_in_a_recipe_are_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        StandardAugmentationConfig.model_validate(config)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_colour_switches_off_aloud_without_three_channels(channels: int) -> None:
    changes = {"channels": channels, "mean": [0.5] * channels, "std": [0.2] * channels}
    with pytest.warns(UserWarning, match=rf"{channels} channel\(s\).*off: saturation, hue, grayscale\."):
        augmentation = build(changes, preset="small", hue=0.3)
    settings = augmentation.settings
    assert (settings.saturation, settings.hue, settings.grayscale) == (0.0, 0.0, 0.0)
    assert (settings.brightness, settings.contrast) == (0.4, 0.4)
    batch = torch.randint(0, 256, (5, channels, 32, 40), dtype=torch.uint8)
    assert augmentation(batch, Keys.of(0, 0, torch.arange(5), 0)).shape == (5, channels, 32, 32)


def test_nothing_is_said_where_nothing_changes() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(preset="small")
        build(preset="paper", size=96)
        gray = {"channels": 1, "mean": [0.5], "std": [0.2]}
        build(gray, preset="small", hue=0.0, saturation=0.0, grayscale=0.0)


def test_blurring_small_views_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="blurring views of 32 pixels"):
        build(preset="official", size=32)


def test_blowing_images_up_is_warned_of_unless_asked_for() -> None:
    with pytest.warns(UserWarning, match=r"images of 32 pixels become views of 224.*augmentation\.size=32"):
        build(preset="paper")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(preset="paper", size=224)


def test_a_kernel_wider_than_the_view_is_refused() -> None:
    with pytest.raises(RecipeError, match="51 pixels reach beyond a view of 20; expected at most 39"):
        build(preset="paper", size=20, blur_kernel=51)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "text"}, "takes images, but the dataset gives 'text'"),
        ({"dtype": "int64"}, "one of uint8, uint16, float32"),
        ({"mean": None}, "set augmentation.normalize=false"),
        ({"std": [0.2]}, "each of 3 channels, the dataset has 3 and 1"),
    ],
)
def test_data_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build(changes, preset="small")


def test_a_constant_channel_stays_finite() -> None:
    augmentation = build({"std": [0.2, 0.0, 0.2]}, preset="small")
    assert augmentation(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).isfinite().all()


def test_checking_a_recipe_does_not_import_torch() -> None:
    code = "import sys, vicreg_vision.augmentations.config; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
