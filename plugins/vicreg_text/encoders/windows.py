"""Documents of unlike length: long ones read in windows, short ones without the padding of the long."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

_BUCKETS = 16
_FEWEST = 16  # rows of a bucket, below which its own overhead costs more than the padding it saves


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

    def summed(ids: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask[..., None], hidden_states(ids, mask), 0.0).sum(1)

    sums = in_buckets(ids, mask, summed)
    total = sums.new_zeros(rows, sums.shape[1]).index_add(0, document, sums)
    count = sums.new_zeros(rows).index_add(0, document, mask.sum(1).to(sums.dtype))
    return total / count.clamp_min(1)[:, None]


def in_buckets(ids: Tensor, mask: Tensor, compute: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """What ``compute`` gives for each row, of rows of like length together, each bucket cut to its longest.

    The rows of a batch are sorted, never the corpus: which documents meet in a batch, and so the statistics
    VICReg takes over it, stay what they were, and there is nothing to resume.

    Args:
        ids: ``(W, l) int64``.
        mask: ``(W, l) bool``; what lies behind the last ``True`` of a row is padding.
        compute: ``(w, l') int64, (w, l') bool -> (w, D)``, each row from itself alone.

    Returns:
        ``(W, D)``, in the order of the rows.
    """
    rows = len(ids)
    buckets = min(_BUCKETS, rows // _FEWEST)
    if buckets < 2:
        return compute(ids, mask)
    column = torch.arange(1, mask.shape[1] + 1, device=mask.device)
    reach, order = (mask * column).amax(1).sort(stable=True)
    ends = [rows * (i + 1) // buckets for i in range(buckets)]
    widths = reach[[end - 1 for end in ends]].clamp_min(1).tolist()
    parts = [
        compute(ids[picked, :width], mask[picked, :width])
        for picked, width in zip(order.tensor_split(ends[:-1]), widths, strict=True)
    ]
    return torch.cat(parts)[order.argsort()]
