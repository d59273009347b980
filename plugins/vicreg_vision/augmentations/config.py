"""The recipe keys of ``vision/standard``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from vicreg_core.recipes.schema import Fraction, NonNegativeFloat, PositiveFloat, PositiveInt, StrictModel

PositiveFraction = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
PerView = Annotated[tuple[Fraction, ...], Field(min_length=1, strict=False)]
_PAIRS = ("crop_scale", "crop_ratio", "blur_sigma")
Scale = Annotated[tuple[PositiveFraction, PositiveFraction], Field(strict=False)]


class StandardAugmentationConfig(StrictModel):
    """Keys of ``vision/standard``; whatever is left out takes the preset's value.

    ``paper`` follows the appendix of arXiv:2105.04906 (both views alike), ``official`` the authors' code
    (views unlike each other), ``small`` the usual recipe for images of at most 32 pixels. ``size``,
    ``crop_scale``, ``blur`` and ``solarise`` take one value, or a list with one a view; views beyond the list
    use its last. So ``size: [96, 96, 48]`` beside ``train.views: 6`` is multi-crop (SwAV, arXiv:2006.09882):
    two large views and four small ones. Views that are evaluated and embedded are of ``evaluation_size``,
    else of the first view's: to train on smaller ones costs less, and objects are then as large in both,
    since a crop magnifies (arXiv:1906.06423).
    """

    preset: Literal["paper", "official", "small"] = "paper"
    size: Annotated[
        PositiveInt | Annotated[tuple[PositiveInt, ...], Field(min_length=1, strict=False)] | None,
        Field(description="pixels a side, or one a view; none: 224, under small the images' own or 32"),
    ] = None
    crop_scale: Annotated[
        Scale | Annotated[tuple[Scale, ...], Field(min_length=1, strict=False)] | None,
        Field(description="least and largest share of the area, or such a pair a view"),
    ] = None
    crop_ratio: Annotated[
        tuple[PositiveFloat, PositiveFloat] | None,
        Field(description="least and largest width / height of a crop", strict=False),
    ] = None
    interpolation: Literal["bilinear", "bicubic"] | None = None
    flip: Annotated[Fraction | None, Field(description="probability of a horizontal flip")] = None
    jitter_probability: Fraction | None = None
    brightness: NonNegativeFloat | None = None
    contrast: NonNegativeFloat | None = None
    saturation: NonNegativeFloat | None = None
    hue: Annotated[
        Annotated[float, Field(ge=0, le=0.5)] | None, Field(description="largest turn of the hue, in turns")
    ] = None
    grayscale: Annotated[Fraction | None, Field(description="probability")] = None
    blur: Annotated[Fraction | PerView | None, Field(description="probability, or one a view")] = None
    blur_kernel: Annotated[
        Annotated[int, Field(ge=3)] | None,
        Field(description="odd width in pixels; none: the odd number next to a tenth of size"),
    ] = None
    blur_sigma: Annotated[
        tuple[PositiveFloat, PositiveFloat] | None,
        Field(description="least and largest standard deviation in pixels", strict=False),
    ] = None
    solarise: Annotated[Fraction | PerView | None, Field(description="probability, or one a view")] = None
    solarise_threshold: Annotated[
        PositiveFraction | None, Field(description="intensities from here on are inverted; white is 1")
    ] = None
    normalize: Annotated[bool, Field(description="subtract the data's mean, divide by its deviation")] = True
    evaluation_size: Annotated[
        PositiveInt | None,
        Field(description="pixels a side of evaluation views; none: as the first view"),
    ] = None
    evaluation_crop: Annotated[
        PositiveFraction | None,
        Field(description="side of the centre crop, as a share of the shorter side, of evaluation views"),
    ] = None

    @model_validator(mode="after")
    def _check_ranges(self) -> StandardAugmentationConfig:
        for key in _PAIRS:
            for bounds in as_views(key, getattr(self, key)):
                if bounds is not None and bounds[0] > bounds[1]:
                    raise ValueError(f"{key}: expected [least, largest], got {list(bounds)}")
        if self.blur_kernel is not None and self.blur_kernel % 2 == 0:
            raise ValueError(f"blur_kernel: expected an odd number of pixels, got {self.blur_kernel}")
        return self


def as_views(key: str, value: Any) -> tuple[Any, ...]:
    """The values of a key, one a view: a list's own, else the single number or pair."""
    several = isinstance(value, tuple) and (key not in _PAIRS or isinstance(value[0], tuple))
    return value if several else (value,)
