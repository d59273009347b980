"""The recipe keys of the objective ``core/vicreg``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vicreg_core.recipes.schema import Fraction, NonNegativeFloat, PositiveFloat, StrictModel


class VICRegConfig(StrictModel):
    """Weights and constants of :class:`vicreg_core.objectives.vicreg.VICRegLoss`."""

    invariance: Annotated[NonNegativeFloat, Field(description="weight: views of a sample agree")] = 25.0
    variance: Annotated[NonNegativeFloat, Field(description="weight: dimensions keep their spread")] = 25.0
    covariance: Annotated[NonNegativeFloat, Field(description="weight: dimensions differ")] = 1.0
    gamma: Annotated[PositiveFloat, Field(description="standard deviation asked of a dimension")] = 1.0
    epsilon: Annotated[PositiveFloat, Field(description="added to a variance before its square root")] = 1e-4
    convention: Annotated[
        Literal["official", "paper"],
        Field(description="official: the reductions of the authors' code; paper: those of its equations"),
    ] = "official"
    branch_weights: Annotated[
        tuple[NonNegativeFloat, ...] | None,
        Field(min_length=2, strict=False, description="weight of each view's variance and covariance terms"),
    ] = None

    @model_validator(mode="after")
    def _weighs_something(self) -> VICRegConfig:
        if self.invariance == self.variance == self.covariance == 0:
            raise ValueError("invariance, variance and covariance are all 0, so nothing would be learned")
        return self


class InfoNCEConfig(StrictModel):
    """Constants of :class:`vicreg_core.objectives.contrastive.InfoNCELoss`."""

    temperature: Annotated[PositiveFloat, Field(description="of the softmax over cosines")] = 0.2


class SupConConfig(StrictModel):
    """Constants of :class:`vicreg_core.objectives.contrastive.SupConLoss`."""

    temperature: Annotated[PositiveFloat, Field(description="of the softmax over cosines")] = 0.1


class BarlowTwinsConfig(StrictModel):
    """Constants of :class:`vicreg_core.objectives.barlow_twins.BarlowTwinsLoss`."""

    redundancy: Annotated[NonNegativeFloat, Field(description="weight of the off-diagonal sum")] = 0.0051
    scale: Annotated[PositiveFloat, Field(description="factor on the whole")] = 1.0
    epsilon: Annotated[PositiveFloat, Field(description="added to a variance before its square root")] = 1e-5


class SIGRegConfig(StrictModel):
    """Constants of :class:`vicreg_core.objectives.sigreg.SIGRegLoss`."""

    share: Annotated[Fraction, Field(description="of the statistic; the rest is invariance")] = 0.02
    directions: Annotated[int, Field(ge=1, le=65_536, description="random directions a step")] = 256
    knots: Annotated[int, Field(ge=3, le=1024, description="points of the quadrature")] = 17
