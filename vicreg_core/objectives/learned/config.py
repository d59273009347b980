"""The recipe keys of objectives with weights of their own or further needs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from vicreg_core.recipes.schema import Fraction, NonNegativeFloat, PositiveFloat, StrictModel

Width = Annotated[int, Field(ge=1, le=1_000_000)]
_Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


class SimSiamConfig(StrictModel):
    """Constants of :class:`vicreg_core.objectives.learned.predictive.SimSiamLoss`."""

    hidden: Annotated[Width, Field(description="width of the predictor's bottleneck")] = 512


class BYOLConfig(StrictModel):
    """Constants of :class:`vicreg_core.objectives.learned.predictive.BYOLLoss`."""

    hidden: Annotated[Width, Field(description="width of the predictor's hidden layer")] = 512
    momentum: Annotated[Fraction, Field(description="of the moving average, at the first step")] = 0.99


class SupervisedConfig(StrictModel):
    """Constants of :class:`vicreg_core.objectives.learned.supervised.SupervisedLoss`."""

    label_smoothing: Annotated[_Share, Field(description="share of the target over all classes")] = 0.0
    dropout: Annotated[_Share, Field(description="share of the representation set to 0")] = 0.0
    mixup: Annotated[
        float,
        Field(ge=0, le=100, allow_inf_nan=False, description="alpha of mixed representations; 0: none"),
    ] = 0.0


class VCRegConfig(StrictModel):
    """Constants of :class:`vicreg_core.objectives.learned.vcreg.VCRegLoss`."""

    variance: Annotated[NonNegativeFloat, Field(description="weight: dimensions keep their spread")] = 1.0
    covariance: Annotated[NonNegativeFloat, Field(description="weight: dimensions differ")] = 0.04
    gamma: Annotated[PositiveFloat, Field(description="standard deviation asked of a dimension")] = 1.0
    epsilon: Annotated[PositiveFloat, Field(description="added to a variance before its square root")] = 1e-4


class AdversarialPriorConfig(StrictModel):
    """Constants of :class:`vicreg_core.objectives.learned.adversarial.AdversarialPriorLoss`."""

    invariance: Annotated[NonNegativeFloat, Field(description="weight: views of a sample agree")] = 25.0
    adversarial: Annotated[NonNegativeFloat, Field(description="weight: embeddings pass for normal")] = 1.0
    hidden: Annotated[Width, Field(description="width of the discriminator's hidden layers")] = 512


class ReconstructionConfig(StrictModel):
    """Constants of :class:`vicreg_core.objectives.learned.reconstruction.ReconstructionLoss`."""

    hidden: Annotated[Width, Field(description="width of the decoder's hidden layer")] = 512


class LocalConfig(StrictModel):
    """Constants of :class:`vicreg_core.objectives.learned.local.LocalVICRegLoss`."""

    invariance: Annotated[NonNegativeFloat, Field(description="weight: matched locations agree")] = 25.0
    variance: Annotated[NonNegativeFloat, Field(description="weight: dimensions keep their spread")] = 25.0
    covariance: Annotated[NonNegativeFloat, Field(description="weight: dimensions differ")] = 1.0
    matches: Annotated[int, Field(ge=1, le=1_000_000, description="pairs kept a sample and direction")] = 20
    dims: Annotated[Width, Field(description="width of the local projector")] = 512

    @model_validator(mode="after")
    def _weighs_something(self) -> LocalConfig:
        if self.invariance == self.variance == self.covariance == 0:
            raise ValueError("invariance, variance and covariance are all 0, so nothing would be learned")
        return self
