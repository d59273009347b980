"""Which rows of a stream a step sees, as a pure function of the step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts import DatasetAdapter
from vicreg_core.contracts.keys import hash_ids, mix_int, stream_id
from vicreg_core.contracts.permutation import permuted
from vicreg_core.contracts.stream import StreamAdapter, StreamHashes
from vicreg_core.data.sampler import Plan, Share, StepPlan
from vicreg_core.errors import DataError


def share_of(data: DatasetAdapter, batch_size: int, seed: int, rank: int, world_size: int) -> Share:
    """A process's share of the batches of a run over a dataset, a stream or not.

    Raises:
        DataError: the batch is larger than the dataset, or there are more processes than lanes of a stream.
    """
    if not isinstance(data, StreamAdapter):
        return Share(StepPlan(len(data), batch_size, seed), hash_ids(data.ids), rank, world_size)
    plan = StreamPlan(data.counts, batch_size, seed, lanes=data.lanes, buffer=data.buffer)
    if world_size > plan.lanes:
        raise DataError(
            f"{world_size} processes share {plan.lanes} lanes of the stream, and some would have none; set "
            f"data.lanes={world_size} or more (another order of the samples), or start fewer processes"
        )
    return Share(plan, StreamHashes(data.ids), rank, world_size)


class Window(NamedTuple):
    """Rows that are read together and shuffled among each other."""

    epoch: int
    lane: int
    number: int
    """Within the lane, from 0."""
    start: int
    """Of the epoch's order of all rows."""
    stop: int


class Part(NamedTuple):
    """Some rows of a global batch, out of one window."""

    window: Window
    rows: NDArray[np.int64]
    """``(m,) int64``, positions in the window, in the order of the batch."""


class StreamPlan(Plan):
    """The visiting order of a run over shards, read in order.

    Each epoch lays the shards one behind the other in an order of its own and cuts that row of rows into
    ``lanes`` equal parts. A global batch takes an equal share of each lane, lane by lane, so that it does not
    depend on the number of processes; each process needs its own lanes alone. Within a lane rows are shuffled
    in windows, all by a keyed permutation: so there is no state to save, and a run begins anywhere at once.

    Args:
        counts: ``(S,) int64`` rows of each shard.
        batch_size: samples a step over all processes.
        seed: the recipe's seed.
        lanes: how many.
        buffer: rows of the windows of all lanes together, twice which are in memory.

    Raises:
        DataError: if ``batch_size`` is larger than the stream.
    """

    def __init__(
        self, counts: NDArray[np.int64], batch_size: int, seed: int, *, lanes: int, buffer: int
    ) -> None:
        super().__init__(int(counts.sum()), batch_size, seed)
        self.counts, self.lanes = counts, min(lanes, batch_size)
        self.window = max(2, buffer // self.lanes)
        self.widths = [
            self._cut(batch_size, lane + 1) - self._cut(batch_size, lane) for lane in range(self.lanes)
        ]
        steps = [self._length(lane) // width for lane, width in enumerate(self.widths)]
        self.steps_per_epoch = min(steps)
        if not self.steps_per_epoch:
            raise DataError(
                f"train.batch_size is {batch_size}, too much for {self.n} samples in {self.lanes} lanes; set "
                "data.lanes to less"
            )
        # Plain dicts, since a plan goes to loader workers.
        self._shuffled: dict[Window, NDArray[np.int64]] = {}
        self._orders: dict[int, Order] = {}

    def global_batch(self, step: int) -> NDArray[np.int64]:
        """``(batch_size,) int64`` sample indices of ``step`` over all processes."""
        order = self.order(self.epoch(step))
        return np.concatenate([order.samples(part.window.start + part.rows) for part in self.parts(step)])

    def parts(self, step: int) -> Iterator[Part]:
        """The same as rows of windows, in the order of the batch."""
        epoch, place = divmod(step, self.steps_per_epoch)
        for lane, width in enumerate(self.widths):
            positions = np.arange(place * width, (place + 1) * width)
            # The first window of each lane is shorter than that of the next, so that lanes do not all come
            # to the end of one in the same step.
            number = (positions + self._offset(lane)) // self.window
            for each in range(number[0], number[-1] + 1):
                window = self._window(epoch, lane, each)
                within = positions[number == each] - (window.start - self._cut(self.n, lane))
                yield Part(window, self._shuffle(window)[within])

    def after(self, window: Window) -> Window:
        """The next window of its lane, in the next epoch if need be."""
        following = self._window(window.epoch, window.lane, window.number + 1)
        if following.start == following.stop:
            return self._window(window.epoch + 1, window.lane, 0)
        return following

    def order(self, epoch: int) -> Order:
        """Of the shards in an epoch."""
        found = self._orders.get(epoch)
        if found is None:
            shards = len(self.counts)
            key = mix_int(self.seed, epoch, stream_id("shard-order"))
            found = Order(permuted(np.arange(shards), shards, key), self.counts)
            # Windows of two epochs are looked at at once, by several threads.
            self._orders = {each: order for each, order in self._orders.items() if each >= epoch - 1}
            self._orders[epoch] = found
        return found

    def _cut(self, total: int, lane: int) -> int:
        """Where a lane begins: as far in a whole as its share begins in a batch."""
        return lane * self.batch_size // self.lanes * total // self.batch_size

    def _length(self, lane: int) -> int:
        return self._cut(self.n, lane + 1) - self._cut(self.n, lane)

    def _offset(self, lane: int) -> int:
        return self.window * lane // self.lanes

    def _window(self, epoch: int, lane: int, number: int) -> Window:
        first, length, offset = self._cut(self.n, lane), self._length(lane), self._offset(lane)
        start, stop = (min(length, max(0, n * self.window - offset)) for n in (number, number + 1))
        return Window(epoch, lane, number, first + start, first + stop)

    def _shuffle(self, window: Window) -> NDArray[np.int64]:
        if window not in self._shuffled:
            for old in [each for each in self._shuffled if each.lane == window.lane and each < window]:
                del self._shuffled[old]
            size = window.stop - window.start
            key = mix_int(self.seed, window.epoch, stream_id("window"), window.lane, window.number)
            self._shuffled[window] = permuted(np.arange(size), size, key)
        return self._shuffled[window]


class Order:
    """Shards one behind the other.

    Args:
        shards: ``(S,) int64`` in their order.
        counts: ``(S,) int64`` rows of each shard, by its number.
    """

    def __init__(self, shards: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        self.shards = shards
        self.ends = np.cumsum(counts[shards])
        self.firsts = (np.cumsum(counts) - counts)[shards]

    def samples(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """``(m,) int64`` sample indices of places in the order."""
        at = np.searchsorted(self.ends, places, side="right")
        starts = np.concatenate([[0], self.ends[:-1]])
        found: NDArray[np.int64] = self.firsts[at] + places - starts[at]
        return found

    def pieces(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Shard, first row and the row behind the last, for each shard between two places."""
        at = int(np.searchsorted(self.ends, start, side="right"))
        while start < stop:
            begin = int(self.ends[at - 1]) if at else 0
            end = min(stop, int(self.ends[at]))
            if end > start:
                yield int(self.shards[at]), start - begin, end - begin
            start, at = max(start, end), at + 1
