"""Which samples a step sees, as a pure function of the step: there is no sampler state to save."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.contracts.keys import Keys, mix_int, stream_id
from vicreg_core.contracts.permutation import permuted
from vicreg_core.errors import DataError

_BLOCK = 1 << 16
"""Places of the order that are computed at a time: fast for each, and half a megabyte."""


class Plan(ABC):
    """The visiting order of a run over ``n`` samples.

    Every process of a run computes the same global batch and takes its own contiguous share of it, so the
    batch does not depend on the world size.

    Args:
        n: number of samples.
        batch_size: samples a step over all processes.
        seed: the recipe's seed.

    Raises:
        DataError: if ``batch_size > n``.
    """

    steps_per_epoch: int

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

    def epoch(self, step: int) -> int:
        """The epoch (from 0) that ``step`` (from 0) belongs to."""
        return step // self.steps_per_epoch

    @abstractmethod
    def global_batch(self, step: int) -> NDArray[np.int64]:
        """``(batch_size,) int64`` sample indices of ``step`` over all processes."""


class StepPlan(Plan):
    """An order at random over samples that can be visited at random.

    Each epoch visits the samples in an order keyed by ``(seed, epoch)`` and drops the last short batch; the
    samples it leaves out differ from epoch to epoch. The order is computed where it is looked at, never
    held: a plan of 10^9 samples takes as little memory as one of a thousand.
    """

    def __init__(self, n: int, batch_size: int, seed: int) -> None:
        super().__init__(n, batch_size, seed)
        self.steps_per_epoch = n // batch_size
        self._steps_at_once = max(1, _BLOCK // batch_size)
        self._latest: tuple[int, int, NDArray[np.int64]] = (-1, -1, np.empty(0, dtype=np.int64))

    def global_batch(self, step: int) -> NDArray[np.int64]:
        """``(batch_size,) int64`` sample indices of ``step`` over all processes."""
        epoch, place = divmod(step, self.steps_per_epoch)
        block, within = divmod(place, self._steps_at_once)
        if self._latest[:2] != (epoch, block):
            self._latest = (epoch, block, self._order(epoch, block))
        start = within * self.batch_size
        return self._latest[2][start : start + self.batch_size]

    def _order(self, epoch: int, block: int) -> NDArray[np.int64]:
        """The samples of the steps of a block."""
        first = block * self._steps_at_once
        last = min(first + self._steps_at_once, self.steps_per_epoch)
        places = np.arange(first * self.batch_size, last * self.batch_size)
        return permuted(places, self.n, mix_int(self.seed, epoch, stream_id("epoch-order")))


class Hashes(Protocol):
    """The hashes of all ids, whether held or computed."""

    def __getitem__(self, indices: torch.Tensor, /) -> torch.Tensor:
        """``(B,) int64`` of the samples at ``(B,) int64``."""
        ...


@dataclass(frozen=True)
class Share:
    """One process's share of every global batch, and the keys of its samples.

    Attributes:
        plan: the order of the run.
        id_hash: by index, as :func:`vicreg_core.contracts.keys.hash_ids` has them.
        rank: this process, ``0 <= rank < world_size``.
        world_size: number of processes; shares differ by at most one row.
    """

    plan: Plan
    id_hash: Hashes
    rank: int = 0
    world_size: int = 1

    def indices(self, step: int) -> NDArray[np.int64]:
        """The sample indices of this process's rows of ``step``."""
        low, high = self.bounds
        return self.plan.global_batch(step)[low:high]

    @property
    def bounds(self) -> tuple[int, int]:
        """The first row of every global batch that is this process's, and the first behind them."""
        size = self.plan.batch_size
        return self.rank * size // self.world_size, (self.rank + 1) * size // self.world_size

    def keys(self, step: int, view: int) -> Keys:
        """The random keys of this process's rows of ``step`` for one view, on the CPU."""
        ids = self.id_hash[torch.from_numpy(self.indices(step))]
        return Keys.of(self.plan.seed, self.plan.epoch(step), ids, view)
