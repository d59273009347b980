"""The recipe keys of each component, apart from the code that uses them so that checking a recipe is fast."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vicreg_core.recipes.schema import (
    Fraction,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    StrictModel,
)


class WaveformsConfig(StrictModel):
    """Keys of ``data: {name: signals/waveforms}``."""

    samples: Annotated[PositiveInt, Field(description="signals in each split")] = 1024
    length: Annotated[int, Field(ge=16, description="values a signal")] = 128
    noise: Annotated[NonNegativeFloat, Field(description="standard deviation of white noise")] = 0.3
    seed: Annotated[NonNegativeInt, Field(description="of the generator of the signals")] = 0


class StandardConfig(StrictModel):
    """Keys of ``augmentation: {name: signals/standard}``."""

    window: Annotated[PositiveInt | None, Field(description="crop at random to so many values")] = None
    shift: Annotated[Fraction, Field(description="largest circular shift, as a share of the length")] = 1.0
    scale: Annotated[PositiveFloat, Field(ge=1, description="largest factor; the least is 1/scale")] = 2.0
    noise: Annotated[NonNegativeFloat, Field(description="standard deviation of added noise")] = 0.2
    mask: Annotated[Fraction, Field(description="share of the length that is set to zero")] = 0.1


class ConvConfig(StrictModel):
    """Keys of ``encoder: {name: signals/conv}``."""

    width: Annotated[PositiveInt, Field(description="channels of the first layer; doubles each layer")] = 32
    layers: Annotated[int, Field(ge=1, le=6)] = 3
