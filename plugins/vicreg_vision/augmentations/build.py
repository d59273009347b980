"""The builder of ``vision/standard``: reconciles the recipe with the data, and says aloud what it changes."""

from __future__ import annotations

import warnings

from vicreg_core.contracts import DataInfo
from vicreg_core.errors import RecipeError
from vicreg_vision.augmentations.config import StandardAugmentationConfig
from vicreg_vision.augmentations.facts import ImageFacts
from vicreg_vision.augmentations.presets import ViewSettings, resolve, without_colour
from vicreg_vision.augmentations.standard import StandardAugmentation

SMALL_IMAGE = 32
LARGEST_BLOW_UP = 2


def build_standard(config: StandardAugmentationConfig, info: DataInfo) -> StandardAugmentation:
    """The augmentation of a recipe for a dataset.

    Warns where the images are not RGB (saturation, hue and grayscale are switched off), where views of at
    most 32 pixels are blurred, and where a preset's size blows the images up.

    Raises:
        RecipeError: where the data are not images, or a setting does not fit them.
    """
    facts = ImageFacts.of(info.facts)
    views = resolve(config, facts)
    if facts.channels != 3:
        views, off = without_colour(views)
        if off:
            warnings.warn(
                f"vision/standard: images have {facts.channels} channel(s), not red, green and blue, so "
                f"these are switched off: {', '.join(off)}. Brightness, contrast and the crops stay.",
                stacklevel=2,
            )
    size = views[0].size
    side = min(facts.size) if facts.size else size
    if config.size is None and size > LARGEST_BLOW_UP * side:
        warnings.warn(
            f"vision/standard: images of {side} pixels become views of {size}, the size of preset "
            f"{config.preset}; set augmentation.size={side}, or preset: small",
            stacklevel=2,
        )
    for settings in dict.fromkeys(views):
        _check_blur(settings)
    return StandardAugmentation(views, facts)


def _check_blur(settings: ViewSettings) -> None:
    if not settings.blur:
        return
    if settings.blur_kernel // 2 >= settings.size:
        raise RecipeError(
            f"augmentation.blur_kernel: {settings.blur_kernel} pixels reach beyond a view of "
            f"{settings.size}; expected at most {2 * settings.size - 1}"
        )
    if settings.size <= SMALL_IMAGE:
        warnings.warn(
            f"vision/standard: blurring views of {settings.size} pixels usually costs accuracy; "
            f"preset: small does not blur, or set augmentation.blur=0",
            stacklevel=3,
        )
