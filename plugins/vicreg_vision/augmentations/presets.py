"""Presets of ``vision/standard`` and the settings a config and the data resolve to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from vicreg_vision.augmentations.config import StandardAugmentationConfig, as_views
from vicreg_vision.augmentations.facts import ImageFacts

T = TypeVar("T")

SMALL_SIZE = 32
"""Size of the views of preset ``small`` where the images have no size of their own."""


@dataclass(frozen=True, slots=True)
class ViewSettings:
    """Every parameter of one random view and of the evaluation view, with a value.

    The meaning and unit of each field is that of the key of the same name in
    :class:`~vicreg_vision.augmentations.config.StandardAugmentationConfig`.
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
    blur: float = 0.5
    blur_kernel: int = 23
    blur_sigma: tuple[float, float] = (0.1, 2.0)
    solarise: float = 0.1
    solarise_threshold: float = 0.5
    normalize: bool = True
    evaluation_size: int = 224
    evaluation_crop: float = 0.875


PRESETS: Mapping[str, tuple[ViewSettings, ...]] = {
    # VICReg, appendix C.1 of arXiv:2105.04906: both views drawn alike.
    "paper": (ViewSettings(),),
    # facebookresearch/vicreg, augmentations.py: unlike views, bicubic crops.
    "official": (
        ViewSettings(interpolation="bicubic", blur=1.0, solarise=0.0),
        ViewSettings(interpolation="bicubic", blur=0.1, solarise=0.2),
    ),
    # solo-learn, CIFAR recipe of VICReg: no blur, milder crops. It crops bicubically; bilinear is cheaper.
    "small": (ViewSettings(crop_scale=(0.2, 1.0), blur=0.0, evaluation_crop=1.0),),
}


def resolve(config: StandardAugmentationConfig, facts: ImageFacts) -> tuple[ViewSettings, ...]:
    """The settings of each view for data with these ``facts``: a config's keys over its preset's values.

    As many as the longest list of the config or the preset; :func:`for_view` serves every further view.
    """
    given = {key: as_views(key, value) for key, value in config if key != "preset" and value is not None}
    preset = PRESETS[config.preset]
    own_size = min(facts.size) if facts.size else SMALL_SIZE
    sizes = given.setdefault("size", (own_size if config.preset == "small" else preset[0].size,))
    given.setdefault("evaluation_size", sizes[:1])
    given.setdefault("blur_kernel", tuple(max(3, size // 10 | 1) for size in sizes))
    return tuple(
        replace(for_view(preset, view), **{key: for_view(values, view) for key, values in given.items()})
        for view in range(max(len(preset), *map(len, given.values())))
    )


def for_view(each: Sequence[T], view: int) -> T:
    """What a view takes of a list with one entry a view; views beyond it share its last entry."""
    return each[min(view, len(each) - 1)]


def without_colour(views: Sequence[ViewSettings]) -> tuple[tuple[ViewSettings, ...], list[str]]:
    """Settings with the operations that need red, green and blue off, and the names of those that were on."""
    off = [key for key in ("saturation", "hue", "grayscale") if getattr(views[0], key) > 0]
    return tuple(replace(each, saturation=0.0, hue=0.0, grayscale=0.0) for each in views), off
