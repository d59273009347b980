"""Documents longer than an encoder's reach: read in windows, pooled over all of them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional


def pooled_mean(
    ids: Tensor, mask: Tensor, window: int, hidden_states: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """Mean of the hidden states of all unmasked tokens, each computed within its window.

    Args:
        ids: ``(B, L) int64``.
        mask: ``(B, L) bool``.
        window: tokens read at once.
        hidden_states: ``(W, l) int64, (W, l) bool -> (W, l, D)`` with ``l <= window``.

    Returns:
        ``(B, D)``; zeros for a document without tokens.
    """
    rows, width = ids.shape
    document = torch.arange(rows, device=ids.device)
    if width > window:
        extra = -width % window
        ids = functional.pad(ids, (0, extra)).view(-1, window)
        mask = functional.pad(mask, (0, extra)).view(-1, window)
        document = document.repeat_interleave((width + extra) // window)
        filled = mask.any(1)
        ids, mask, document = ids[filled], mask[filled], document[filled]
    hidden = hidden_states(ids, mask)
    sums = torch.where(mask[..., None], hidden, 0.0).sum(1)
    total = sums.new_zeros(rows, sums.shape[1]).index_add(0, document, sums)
    count = sums.new_zeros(rows).index_add(0, document, mask.sum(1).to(sums.dtype))
    return total / count.clamp_min(1)[:, None]
