"""Which samples a step sees, as a pure function of the step: there is no sampler state to save."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.contracts.keys import Keys, epoch_order
from vicreg_core.errors import DataError


class StepPlan:
    """The visiting order of a run over ``n`` samples.

    Each epoch visits the samples in an order keyed by ``(seed, epoch)`` and drops the last short batch; the
    samples it leaves out differ from epoch to epoch. Every process of a run computes the same global batch
    and takes its own contiguous share of it, so the batch does not depend on the world size.

    Args:
        n: number of samples.
        batch_size: samples a step over all processes.
        seed: the recipe's seed.

    Raises:
        DataError: if ``batch_size > n``.
    """

    def __init__(self, n: int, batch_size: int, seed: int) -> None:
        if n < 2:
            raise DataError(
                f"{n} training sample(s) were found, and training needs at least 2, better hundreds, since "
                "it looks at how a batch spreads; look at the path and at what was skipped or held out, or "
                "set data.holdout=0"
            )
        if n < batch_size:
            raise DataError(
                f"train.batch_size is {batch_size} but there are only {n} training samples; "
                f"set train.batch_size={n} or less, or bring more data"
            )
        self.n, self.batch_size, self.seed = n, batch_size, seed
        self.steps_per_epoch = n // batch_size
        self._latest: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, dtype=np.int64))

    def epoch(self, step: int) -> int:
        """The epoch (from 0) that ``step`` (from 0) belongs to."""
        return step // self.steps_per_epoch

    def global_batch(self, step: int) -> NDArray[np.int64]:
        """``(batch_size,) int64`` sample indices of ``step`` over all processes."""
        epoch = self.epoch(step)
        if self._latest[0] != epoch:
            self._latest = (epoch, epoch_order(self.seed, epoch, self.n).numpy())
        start = (step % self.steps_per_epoch) * self.batch_size
        return self._latest[1][start : start + self.batch_size]


@dataclass(frozen=True)
class Share:
    """One process's share of every global batch, and the keys of its samples.

    Attributes:
        plan: the order of the run.
        id_hash: ``(n,) int64`` from :func:`vicreg_core.contracts.keys.hash_ids`.
        rank: this process, ``0 <= rank < world_size``.
        world_size: number of processes; shares differ by at most one row.
    """

    plan: StepPlan
    id_hash: torch.Tensor
    rank: int = 0
    world_size: int = 1

    def indices(self, step: int) -> NDArray[np.int64]:
        """The sample indices of this process's rows of ``step``."""
        size = self.plan.batch_size
        low, high = (r * size // self.world_size for r in (self.rank, self.rank + 1))
        return self.plan.global_batch(step)[low:high]

    def keys(self, step: int, view: int) -> Keys:
        """The random keys of this process's rows of ``step`` for one view, on the CPU."""
        ids = self.id_hash[torch.from_numpy(self.indices(step))]
        return Keys.of(self.plan.seed, self.plan.epoch(step), ids, view)
