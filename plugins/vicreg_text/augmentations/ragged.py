"""Ragged batches of token ids and the padded views cut from them, without a loop over documents."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from vicreg_text.tokens.tokenizer import Vocabulary


class Ragged(NamedTuple):
    """Documents of unlike length, one after the other.

    Attributes:
        tokens: ``(total,)`` token ids.
        offset: ``(B,) int64`` where each document begins in ``tokens``.
        length: ``(B,) int64`` its number of tokens.
    """

    tokens: Tensor
    offset: Tensor
    length: Tensor

    @classmethod
    def of(cls, batch: dict[str, Tensor]) -> Ragged:
        """From the raw batch of a text dataset."""
        length = batch["length"]
        return cls(batch["tokens"], length.cumsum(0) - length, length)


def padded(batch: Ragged, start: Tensor, length: Tensor, vocabulary: Vocabulary) -> dict[str, Tensor]:
    """A view of each document: ``length`` of its tokens from ``start``, between the encoder's special tokens.

    Args:
        batch: the documents.
        start: ``(B,) int64`` first token within the document.
        length: ``(B,) int64`` number of tokens; ``start + length`` is within the document.
        vocabulary: padding and special tokens.

    Returns:
        ``{"ids": (B, L) int64, "mask": (B, L) bool}`` with ``L`` the longest view, at least 1.
    """
    before, after = len(vocabulary.prefix), len(vocabulary.suffix)
    width = max(1, int(length.max()) + before + after)
    column = torch.arange(width, device=length.device)
    inside = (column >= before) & (column < before + length[:, None])
    position = (batch.offset + start)[:, None] + (column - before)
    position = position.clamp(0, max(0, len(batch.tokens) - 1))
    tokens = batch.tokens if len(batch.tokens) else length.new_full((1,), vocabulary.pad_id)
    ids = torch.where(inside, tokens[position].long(), vocabulary.pad_id)
    for i, token in enumerate(vocabulary.prefix):
        ids[:, i] = token
    for i, token in enumerate(vocabulary.suffix):
        ids.scatter_(1, (before + length + i)[:, None], token)
    return {"ids": ids, "mask": column < (before + after + length)[:, None]}
