"""Recipe keys of the text augmentations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vicreg_core.recipes.schema import Fraction, NonNegativeInt, PositiveInt, StrictModel


class ViewConfig(StrictModel):
    """What every text augmentation takes."""

    token_dropout: Annotated[Fraction, Field(lt=1, description="share of tokens hidden, each by itself")] = (
        0.0
    )
    cutoff: Annotated[Fraction, Field(lt=1, description="share of a view hidden as one stretch")] = 0.0
    hide: Annotated[
        Literal["drop", "mask"],
        Field(description="hidden tokens are left out, or replaced by the mask token"),
    ] = "drop"
    evaluation_tokens: Annotated[
        PositiveInt | None, Field(description="most tokens read of a document outside training; null: all")
    ] = 4096


class SpansConfig(ViewConfig):
    """Each view is a random span of the document."""

    min_fraction: Annotated[
        Fraction, Field(gt=0, description="shortest span, as a share of the document")
    ] = 0.3
    max_fraction: Annotated[Fraction, Field(gt=0, description="longest span, as a share of the document")] = (
        0.7
    )
    min_tokens: Annotated[PositiveInt, Field(description="no span is shorter, unless the document is")] = 8
    max_tokens: Annotated[PositiveInt, Field(description="no span is longer")] = 256

    @model_validator(mode="after")
    def _ordered(self) -> SpansConfig:
        if self.min_fraction > self.max_fraction or self.min_tokens > self.max_tokens:
            raise ValueError("expected min_fraction <= max_fraction and min_tokens <= max_tokens")
        return self


class WholeConfig(ViewConfig):
    """Each view is the whole document: views differ by what is hidden and by the encoder's dropout."""

    max_tokens: Annotated[PositiveInt, Field(description="tokens read from the start of a document")] = 256


class AdjacentConfig(ViewConfig):
    """The views are the text before and after a random sentence boundary."""

    max_tokens: Annotated[PositiveInt, Field(description="most tokens of a view")] = 64
    min_tokens: Annotated[
        NonNegativeInt,
        Field(description="boundaries nearer than this to either end of the document are not used"),
    ] = 4


class PositivesConfig(SpansConfig):
    """The first view is a span of the document, the others of rows that share its key, or of neighbours."""

    partner_share: Annotated[
        Fraction, Field(description="chance of each further view to be of a partner, not of the document")
    ] = 1.0
