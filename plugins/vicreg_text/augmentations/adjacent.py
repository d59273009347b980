"""Views that are the text before and after a sentence boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vicreg_core.contracts import DataInfo
from vicreg_core.contracts.keys import Keys
from vicreg_text.augmentations.base import TextAugmentation
from vicreg_text.augmentations.config import AdjacentConfig
from vicreg_text.augmentations.ragged import Ragged
from vicreg_text.tokens.tokenizer import FILE, parse_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_ENDS = (".", "!", "?", "Ċ", "\n", "。")  # "Ċ" is how byte-level tokenizers write a line break


class Adjacent(TextAugmentation):
    """Even views end at a random sentence boundary of the document, odd views begin there.

    A document without a usable boundary is parted in its middle; one of a single token is both views.

    Args:
        config: the recipe keys.
        info: of a text dataset.
    """

    config: AdjacentConfig

    def __init__(self, config: AdjacentConfig, info: DataInfo) -> None:
        super().__init__(config, info)
        ends = ending_tokens(parse_tokenizer(info.assets[FILE]), self.vocabulary.size)
        self.register_buffer("_ends", ends, persistent=False)

    def span(self, batch: Ragged, keys: Keys) -> tuple[Tensor, Tensor]:
        """What lies before or after the boundary that all views of a document share."""
        assert isinstance(self._ends, Tensor)
        boundary = _boundaries(batch, self._ends[batch.tokens.long()], keys, self.config.min_tokens)
        before, after = boundary, batch.length - boundary
        most = self.config.max_tokens
        if keys.view % 2:
            start, length = boundary, after.clamp(max=most)
        else:
            length = before.clamp(max=most)
            start = boundary - length
        single = batch.length < 2
        return start.masked_fill(single, 0), torch.where(single, batch.length, length)


def _boundaries(batch: Ragged, ends: Tensor, keys: Keys, margin: int) -> Tensor:
    """``(B,) int64``: tokens before the chosen boundary of each document."""
    row = torch.repeat_interleave(torch.arange(len(keys), device=ends.device), batch.length)
    before = torch.arange(len(ends), device=ends.device) - batch.offset[row] + 1
    usable = ends & (before >= max(1, margin)) & (batch.length[row] - before >= max(1, margin))
    running = usable.cumsum(0)
    total = torch.cat([running.new_zeros(1), running])
    first, count = total[batch.offset], total[batch.offset + batch.length] - total[batch.offset]
    pick = (keys.across_views().uniform("boundary") * count).long()
    position = torch.searchsorted(running, first + pick + 1).clamp(max=max(0, len(ends) - 1))
    middle = batch.length // 2
    return torch.where(count > 0, position - batch.offset + 1, middle)


def ending_tokens(tokenizer: Tokenizer, size: int) -> Tensor:
    """``(size,) bool``: the tokens that end a sentence or a line."""
    ends = torch.zeros(size, dtype=torch.bool)
    for token, index in tokenizer.get_vocab(with_added_tokens=True).items():
        ends[index] = token.rstrip("Ġ▁ ").endswith(_ENDS)
    return ends


def build(config: AdjacentConfig, info: DataInfo) -> Adjacent:
    """The augmentation ``text/adjacent``."""
    return Adjacent(config, info)
