"""Recipe keys of the tokenizer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vicreg_core.recipes.schema import StrictModel


class TokenizerConfig(StrictModel):
    """A byte-level BPE trained on the training documents, or the tokenizer of a pretrained encoder."""

    vocab_size: Annotated[int, Field(ge=300, le=1_000_000, description="most tokens of a trained BPE")] = (
        16_384
    )
    lowercase: Annotated[bool, Field(description="fold case before a trained BPE")] = True
    pretrained: Annotated[
        str | None,
        Field(description="hub id or local folder whose tokenizer is used instead of training one"),
    ] = None
