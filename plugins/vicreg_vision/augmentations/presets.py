"""Presets of ``vision/standard`` and the settings a config and the data resolve to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from vicreg_vision.augmentations.config import StandardAugmentationConfig
from vicreg_vision.augmentations.facts import ImageFacts

SMALL_SIZE = 32
"""Size of the views of preset ``small`` where the images have no size of their own."""


@dataclass(frozen=True, slots=True)
class ViewSettings:
    """Every parameter of the random views and of the evaluation view, with a value.

    The meaning and unit of each field is that of the key of the same name in
    :class:`~vicreg_vision.augmentations.config.StandardAugmentationConfig`. ``blur`` and ``solarise``
    hold one probability a view, the last of them serving every further view.
    """

    size: int = 224
    crop_scale: tuple[float, float] = (0.08, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    flip: float = 0.5
    jitter_probability: float = 0.8
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.2
    hue: float = 0.1
    grayscale: float = 0.2
    blur: tuple[float, ...] = (0.5,)
    blur_kernel: int = 23
    blur_sigma: tuple[float, float] = (0.1, 2.0)
    solarise: tuple[float, ...] = (0.1,)
    solarise_threshold: float = 0.5
    normalize: bool = True
    evaluation_crop: float = 0.875


PRESETS: Mapping[str, ViewSettings] = {
    # VICReg, appendix C.1 of arXiv:2105.04906: both views drawn alike.
    "paper": ViewSettings(),
    # facebookresearch/vicreg, augmentations.py: unlike views, bicubic crops.
    "official": ViewSettings(interpolation="bicubic", blur=(1.0, 0.1), solarise=(0.0, 0.2)),
    # solo-learn, CIFAR recipe of VICReg: no blur, milder crops. It crops bicubically; bilinear is cheaper.
    "small": ViewSettings(crop_scale=(0.2, 1.0), blur=(0.0,), evaluation_crop=1.0),
}


def resolve(config: StandardAugmentationConfig, facts: ImageFacts) -> ViewSettings:
    """The settings of ``config`` for data with these ``facts``: its keys over its preset's values."""
    given = {key: value for key, value in config if key != "preset" and value is not None}
    for key in ("blur", "solarise"):
        if isinstance(given.get(key), float | int):
            given[key] = (float(given[key]),)
    own_size = min(facts.size) if facts.size else SMALL_SIZE
    size = given.setdefault("size", own_size if config.preset == "small" else PRESETS[config.preset].size)
    given.setdefault("blur_kernel", max(3, size // 10 | 1))
    return replace(PRESETS[config.preset], **given)


def for_view(probabilities: tuple[float, ...], view: int) -> float:
    """The probability of a view; views beyond the list share its last entry."""
    return probabilities[min(view, len(probabilities) - 1)]


def without_colour(settings: ViewSettings) -> tuple[ViewSettings, list[str]]:
    """Settings with the operations that need red, green and blue off, and the names of those that were on."""
    off = [key for key in ("saturation", "hue", "grayscale") if getattr(settings, key) > 0]
    return replace(settings, saturation=0.0, hue=0.0, grayscale=0.0), off
