"""First and second moments of the embeddings over the global batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from vicreg_core.objectives.global_batch import GlobalBatch
from vicreg_core.objectives.precision import statistics_dtype, wide_dtype


class Centred(NamedTuple):
    """The embeddings of ``V`` views, split into deviations and means."""

    rows: Tensor
    """``(V, n, D)``, this process's rows minus their view's mean over the global batch."""
    offsets: Tensor
    """``(V, D)``, each view's mean minus the mean over the views."""


def centre(views: Sequence[Tensor], batch: GlobalBatch) -> Centred:
    """Subtract the global mean of each view, in float32 or float64, exactly even where the mean is large.

    Rows are first taken relative to one of them, so that the mean is of numbers no larger than the spread:
    the float32 mean of values near 10,000 is itself off by 0.0005. The means are kept wide for the same
    reason.

    Args:
        views: ``V`` tensors ``(n, D)``, floating.
        batch: the global batch whose mean is subtracted.
    """
    n, dims = views[0].shape
    device, wide = views[0].device, wide_dtype(views[0].device)
    rows = torch.empty(len(views), n, dims, dtype=statistics_dtype(views), device=device)
    anchors = torch.zeros(len(views), dims, dtype=rows.dtype, device=device)
    for view, own, anchor in zip(views, rows, anchors, strict=True):
        if n:
            anchor.copy_(view[0])
        if view.dtype == own.dtype:
            torch.sub(view, anchor, out=own)
        else:
            own.copy_(view).sub_(anchor)
    sums = rows.sum(dim=1).to(wide) + n * anchors.to(wide)
    means = batch.sum(sums) / batch.rows
    rows.add_((anchors.to(wide) - means).to(rows.dtype).unsqueeze(1))
    return Centred(rows, (means - means.mean(dim=0)).to(rows.dtype))


def local_sums(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of squares over this process's centred rows, with one ``(n, D)`` buffer.

    The disagreement of the views, ``sum_v ||Z_v - mean over views||^2``, is summed in Helmert form
    ``sum_k k/(k+1) ||Z_k - mean(Z_0..Z_{k-1})||^2``: two views take one difference, and nothing cancels
    where the views nearly agree.

    Args:
        rows: ``(V, n, D)`` centred embeddings.

    Returns:
        The squares ``(V, D)`` and the disagreement ``()``.
    """
    squares = rows.new_empty(rows.shape[0], rows.shape[2])
    disagreement = rows.new_zeros(())
    buffer = torch.empty_like(rows[0])
    mean = rows[0]
    for k, own in enumerate(rows):
        torch.mul(own, own, out=buffer)
        torch.sum(buffer, dim=0, out=squares[k])
        if k:
            torch.sub(own, mean, out=buffer)
            if k + 1 < len(rows):
                mean = torch.add(mean, buffer, alpha=1 / (k + 1))
            disagreement += k / (k + 1) * buffer.square_().sum()
    return squares, disagreement
