"""The recipe keys of ``biomedical/cells`` and its presets."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from vicreg_core.recipes.schema import Fraction, NonNegativeFloat, PositiveFloat, PositiveInt, StrictModel

Preset = Literal["fluorescence", "brightfield", "histology", "none"]
Pair = Annotated[tuple[PositiveFloat, PositiveFloat], Field(strict=False)]

PRESETS: dict[str, dict[str, Any]] = {
    "none": {},
    "fluorescence": {
        "rotate": "any",
        "flip": True,
        "zoom": (0.8, 1.2),
        "translate": 0.04,
        "gain": (0.75, 1.33),
        "gamma": (0.8, 1.25),
        "illumination": 0.2,
        "photons": (200.0, 2000.0),
        "read_noise": 0.01,
        "blur": (0.3, 1.0),
        "channel_dropout": 0.05,
    },
    "brightfield": {
        "rotate": "any",
        "flip": True,
        "zoom": (0.8, 1.2),
        "translate": 0.04,
        "contrast": (0.75, 1.33),
        "offset": 0.05,
        "illumination": 0.1,
        "read_noise": 0.02,
        "blur": (0.3, 1.0),
    },
    "histology": {
        "rotate": "any",
        "flip": True,
        "zoom": (0.8, 1.25),
        "translate": 0.04,
        "stain": 0.1,
        "contrast": (0.8, 1.25),
        "gamma": (0.8, 1.25),
        "offset": 0.05,
        "blur": (0.3, 1.0),
        "read_noise": 0.01,
    },
}
"""What each preset switches on; the reasons are in ``docs/biomedical.md``. No hue and no solarise in any."""


class CellsConfig(StrictModel):
    """Views of a cell crop; a key that is given overrides the preset's.

    Intensities are on the scale where 0 and 1 are the ends of the normalisation's range. Factors are drawn
    log-uniformly between their two ends, a sample and a channel at a time.
    """

    preset: Preset = "fluorescence"
    size: Annotated[PositiveInt | None, Field(description="side of a view in pixels; none: the crop's")] = (
        None
    )
    field: Annotated[
        float, Field(gt=0, le=1, description="share of the crop's shorter side a view shows at zoom 1")
    ] = 1.0
    evaluation_field: Annotated[
        float | None,
        Field(gt=0, le=1, description="the same of the view that is evaluated and embedded; none: as field"),
    ] = None
    fit: Annotated[
        Literal["pad", "resize"],
        Field(description="crops of unlike size: pad or cut at the same pixel size, or resize"),
    ] = "pad"
    normalise: Annotated[
        Literal["percentile", "range", "cell"],
        Field(
            description="percentile: each channel's 0.1 to 99.9 % over the training set; "
            "range: the bit depth; cell: each channel's 1 to 99 % in its own crop"
        ),
    ] = "percentile"
    rotate: Literal["none", "right-angles", "any"] = "none"
    flip: bool = False
    zoom: Annotated[Pair | None, Field(description="magnification")] = None
    translate: Annotated[Fraction, Field(description="largest shift, as a share of the crop's side")] = 0.0
    elastic: Annotated[NonNegativeFloat, Field(description="amplitude of a smooth deformation, pixels")] = 0.0
    gain: Annotated[Pair | None, Field(description="factor a channel")] = None
    contrast: Annotated[Pair | None, Field(description="factor about the channel's mean")] = None
    gamma: Annotated[Pair | None, Field(description="exponent a channel")] = None
    offset: Annotated[Fraction, Field(description="largest shift of the intensity")] = 0.0
    illumination: Annotated[Fraction, Field(description="largest slope of a smooth lighting field")] = 0.0
    photons: Annotated[
        Pair | None,
        Field(description="photons at intensity 1: the shot (Poisson) noise of half of the views"),
    ] = None
    read_noise: Annotated[Fraction, Field(description="largest standard deviation of Gaussian noise")] = 0.0
    blur: Annotated[
        Pair | None, Field(description="sigma of a defocus blur of half of the views, pixels")
    ] = None
    channel_dropout: Annotated[
        Fraction, Field(description="chance of a channel to be blanked; one always stays")
    ] = 0.0
    coarse_dropout: Annotated[Fraction, Field(description="side of a blanked square, share of the view")] = (
        0.0
    )
    stain: Annotated[
        Fraction, Field(description="strength of stain jitter in optical density; RGB histology only")
    ] = 0.0

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        preset = given.get("preset", "fluorescence")
        return {**(PRESETS.get(preset, {}) if isinstance(preset, str) else {}), **given}

    @model_validator(mode="after")
    def _ordered(self) -> CellsConfig:
        for key in ("zoom", "gain", "contrast", "gamma", "photons", "blur"):
            pair = getattr(self, key)
            if pair is not None and pair[0] > pair[1]:
                raise ValueError(f"{key}: expected [low, high] with low <= high, got {list(pair)}")
        return self


class MonaiConfig(StrictModel):
    """Views by MONAI's array transforms, in order, each as ``{name: RandRotate, prob: 0.5, ...}``."""

    transforms: Annotated[tuple[dict[str, Any], ...], Field(strict=False, min_length=1)]
    fit: Literal["pad", "resize"] = "pad"
    normalise: Literal["percentile", "range", "cell"] = "percentile"
