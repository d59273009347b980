"""How the rows of a global batch lie over the processes, and the sums over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from vicreg_core.distributed import all_reduce_sum, gather_integers, gather_rows, is_distributed


@dataclass(frozen=True, slots=True)
class GlobalBatch:
    """The batch the loss is taken over.

    Attributes:
        counts: rows of each process that takes part; one entry where the loss is of this process alone.
    """

    counts: tuple[int, ...]

    @property
    def rows(self) -> int:
        """``N``, the rows of the whole batch."""
        return sum(self.counts)

    @property
    def processes(self) -> int:
        """How many processes take part."""
        return len(self.counts)

    def sum(self, tensor: Tensor) -> Tensor:
        """Replace a contiguous tensor, in place, by its sum over the processes; returns it."""
        return all_reduce_sum(tensor) if self.processes > 1 else tensor

    def gather(self, rows: Tensor) -> Tensor:
        """``(n, D) -> (N, D)``, the rows of all processes."""
        return gather_rows(rows, self.counts) if self.processes > 1 else rows


def agree_on_batch(views: Sequence[Tensor], samples: int, *, across_processes: bool) -> GlobalBatch:
    """Learn what the other processes hold, and refuse what cannot be one batch, on all of them alike.

    Args:
        views: this process's ``(n, D)`` embeddings, one a view.
        samples: samples among those ``n`` rows: fewer than ``n`` where a sample has several locations.
        across_processes: take the batch of all processes, where there are several.

    Raises:
        ValueError: fewer than two samples in all, or unlike widths or numbers of views.
    """
    rows, dims = views[0].shape
    shapes = [[len(views), rows, dims, samples]]
    if across_processes and is_distributed():
        shapes = gather_integers(shapes[0], views[0].device)
    if len({(n_views, dims) for n_views, _, dims, _ in shapes}) > 1:
        held = "; ".join(f"process {i}: {v} views of width {d}" for i, (v, _, d, _) in enumerate(shapes))
        raise ValueError(f"every process must hold as many views of the same width, got {held}")
    total = sum(held[3] for held in shapes)
    if total < 2:
        raise ValueError(f"VICReg's variance and covariance need a batch of 2 samples or more, got {total}")
    return GlobalBatch(tuple(held[1] for held in shapes))
