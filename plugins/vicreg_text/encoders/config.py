"""Recipe keys of the text encoders."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vicreg_core.recipes.schema import PositiveInt, StrictModel


class BagConfig(StrictModel):
    """A weighted bag of token embeddings."""

    dim: Annotated[PositiveInt, Field(description="width of the representation")] = 256
    init: Annotated[
        Literal["corpus", "random"],
        Field(description="token table from the corpus' TF-IDF/SVD (data.token_vectors >= dim), or random"),
    ] = "corpus"
    train_weights: Annotated[bool, Field(description="learn the weight of each token")] = True
    normalize: Annotated[bool, Field(description="give every representation the same norm, sqrt(dim)")] = True


class TransformerConfig(StrictModel):
    """A small transformer, trained from scratch."""

    dim: Annotated[PositiveInt, Field(description="width of the representation")] = 256
    depth: PositiveInt = 4
    heads: PositiveInt = 4
    mlp_ratio: Annotated[float, Field(gt=0, le=8)] = 2.0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    window: Annotated[PositiveInt, Field(description="tokens read at once; longer text in turns")] = 256
    init: Annotated[
        Literal["corpus", "random"], Field(description="of the token table, as encoder text/bag")
    ] = "random"

    @model_validator(mode="after")
    def _divisible(self) -> TransformerConfig:
        if self.dim % (2 * self.heads):
            raise ValueError(f"expected dim ({self.dim}) to be a multiple of 2 * heads ({2 * self.heads})")
        return self


class HuggingFaceEncoderConfig(StrictModel):
    """A pretrained encoder of the Hugging Face hub, or of a local folder."""

    model: Annotated[str, Field(description="hub id or local folder, as data.tokenizer.pretrained")]
    revision: str | None = None
    pooling: Annotated[
        Literal["mean", "first"], Field(description="mean of all tokens, or the first token ([CLS])")
    ] = "mean"
    tune: Annotated[
        Literal["full", "last", "lora"],
        Field(description="all weights, the last layers, or low-rank updates"),
    ] = "full"
    last_layers: Annotated[PositiveInt, Field(description="of tune: last")] = 2
    lora_rank: Annotated[PositiveInt, Field(description="of tune: lora")] = 8
    dropout: Annotated[float | None, Field(ge=0, lt=1, description="replaces the model's own dropout")] = None
