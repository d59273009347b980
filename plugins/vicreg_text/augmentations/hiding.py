"""Hiding tokens of a view: each by itself (token dropout) or one stretch (cutoff)."""

from __future__ import annotations

import torch
from torch import Tensor

from vicreg_core.contracts.keys import Keys
from vicreg_text.augmentations.config import ViewConfig
from vicreg_text.tokens.tokenizer import Vocabulary


def hide_tokens(
    view: dict[str, Tensor], keys: Keys, config: ViewConfig, vocabulary: Vocabulary
) -> dict[str, Tensor]:
    """Hide tokens of a padded view; special tokens and at least one token of each document stay.

    Token dropout is that of Iyyer et al., 2015 ("deep averaging networks"), cutoff that of Shen et al.,
    arXiv:2009.13818.
    """
    ids, mask = view["ids"], view["mask"]
    hidden = torch.zeros_like(mask)
    width = ids.shape[1]
    body = _body(mask, vocabulary)
    if config.token_dropout > 0:
        hidden |= keys.bernoulli("token-dropout", config.token_dropout, width)
    if config.cutoff > 0:
        length = body.sum(1)
        cut = (length * config.cutoff).long()
        room = (length - cut + 1).float()
        start = (keys.uniform("cutoff") * room).long() + len(vocabulary.prefix)
        column = torch.arange(width, device=ids.device)
        hidden |= (column >= start[:, None]) & (column < (start + cut)[:, None])
    hidden &= body
    nothing_left = ~(body & ~hidden).any(1)
    hidden &= ~nothing_left[:, None]
    if config.hide == "drop":
        return {"ids": ids, "mask": mask & ~hidden}
    return {"ids": torch.where(hidden, vocabulary.mask_id, ids), "mask": mask}


def _body(mask: Tensor, vocabulary: Vocabulary) -> Tensor:
    """``(B, L) bool``: the tokens of the document, without special tokens and padding."""
    column = torch.arange(mask.shape[1], device=mask.device)
    end = mask.sum(1, keepdim=True) - len(vocabulary.suffix)
    return (column >= len(vocabulary.prefix)) & (column < end)
