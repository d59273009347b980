"""Objectives that every process computes of the whole batch, from rows it has gathered."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from vicreg_core.distributed import gather_integers, is_distributed, rank
from vicreg_core.objectives.base import Objective, Terms
from vicreg_core.objectives.global_batch import GlobalBatch, agree_on_batch
from vicreg_core.objectives.precision import full_precision, statistics_dtype
from vicreg_core.objectives.validation import as_views, flattened


class WholeBatchObjective(Objective):
    """A loss of all rows of the global batch; a subclass defines :meth:`of_batch`, in plain autograd.

    Every process gathers the rows of all others, which need not be equally many, and computes the same loss.
    Its own rows get their exact gradient, times the number of processes, so that the mean which
    ``DistributedDataParallel`` takes is the gradient of the global batch. Nothing is sent in the backward
    pass. Each process does the arithmetic of the whole batch, and has the memory for it.
    """

    def terms(self, embeddings: Sequence[Tensor], labels: Tensor | None = None, /) -> Terms:
        """Evaluate once, in float32 (float64 for float64 views), with autocast off.

        Args:
            embeddings: two or more views ``(n, D)`` of one shape, floating; of ``(n, ..., D)`` each location
                is a row.
            labels: ``(n,) int64``, negative where a sample has none, for a loss that takes them.

        Raises:
            TypeError: a view that is not a floating tensor.
            ValueError: fewer than two views or samples, views of unlike shape, or not a label a row.
        """
        views = as_views(embeddings)
        rows = flattened(views)
        if labels is not None and labels.shape != rows[0].shape[:1]:
            raise ValueError(f"expected a label a row, {len(rows[0])}, got shape {tuple(labels.shape)}")
        batch = agree_on_batch(rows, views[0].shape[0], across_processes=True)
        with full_precision(rows[0].device):
            dtype = statistics_dtype(rows)
            whole = torch.stack([gathered(each.to(dtype), batch) for each in rows])
            return self.of_batch(whole, None if labels is None else batch.gather(labels))

    @abstractmethod
    def of_batch(self, views: Tensor, labels: Tensor | None, /) -> Terms:
        """The terms of ``(V, N, D)`` embeddings, ``V >= 2``, ``N >= 2``, in float32 or float64."""


def gathered(rows: Tensor, batch: GlobalBatch) -> Tensor:
    """``(n, D) -> (N, D)``: the rows of all processes, differentiable by one's own."""
    if batch.processes == 1:
        return rows
    whole: Tensor = _Gathered.apply(rows, batch)
    return whole


def common_generator(device: torch.device) -> torch.Generator:
    """A generator on the CPU in the same state in all processes, for what a step draws.

    Its seed is the one that torch was last given in the first process (the trainer gives one each step).

    Args:
        device: where the processes talk to each other.
    """
    seed = torch.initial_seed() % 2**63
    if is_distributed():
        seed = gather_integers([seed], device)[0][0]
    return torch.Generator().manual_seed(seed)


class _Gathered(Function):
    """Gathers rows; its gradient is that of one's own rows, times the number of processes."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, batch: GlobalBatch) -> Tensor:
        ctx.batch = batch
        return batch.gather(rows)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        batch: GlobalBatch = ctx.batch
        start = sum(batch.counts[: rank()])
        return gradient[start : start + batch.counts[rank()]] * batch.processes, None
