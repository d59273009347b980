"""Recipe keys of the tokenizer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vicreg_core.recipes.schema import StrictModel


class TokenizerConfig(StrictModel):
    """A tokenizer trained on the training documents, or that of a pretrained encoder."""

    kind: Annotated[
        Literal["bpe", "grams"],
        Field(
            description="bpe: parts of words; grams: words, their pairs and character n-grams, for text/bag"
        ),
    ] = "bpe"
    vocab_size: Annotated[
        int, Field(ge=300, le=1_000_000, description="most tokens of a trained tokenizer")
    ] = 16_384
    lowercase: Annotated[bool, Field(description="fold case before a trained tokenizer")] = True
    pretrained: Annotated[
        str | None,
        Field(description="hub id or local folder whose tokenizer is used instead of training one"),
    ] = None
