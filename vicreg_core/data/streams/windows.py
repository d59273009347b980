"""The samples of a stream's steps, read window by window and ahead of time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from vicreg_core.contracts.stream import StreamAdapter
from vicreg_core.data.sampler import Share
from vicreg_core.data.streams.plan import StreamPlan, Window

_READERS = 4


class WindowReader:
    """Hands out the raw samples of one process's rows, step by step.

    A window is read when its first row is asked for, and the one behind it at the same time, by a thread; it
    is let go when its lane has left it. So twice ``buffer`` samples are held at most, however long the
    stream.

    Args:
        data: the stream.
        share: of this process, whose plan is a :class:`StreamPlan`.
    """

    def __init__(self, data: StreamAdapter, share: Share) -> None:
        assert isinstance(share.plan, StreamPlan)
        self.data, self.share, self.plan = data, share, share.plan

    def __call__(self, start: int, stop: int) -> Iterator[tuple[int, list[Any]]]:
        """Each step from ``start`` to ``stop - 1`` with its samples, in the order of the batch."""
        held: dict[Window, Future[list[Any]]] = {}
        threads = ThreadPoolExecutor(_READERS)
        try:
            for step in range(start, stop):
                yield step, self._step(step, held, threads)
        finally:
            # Without waiting: who gives up in the middle may be collected by one of these threads.
            threads.shutdown(wait=False, cancel_futures=True)

    def _step(
        self, step: int, held: dict[Window, Future[list[Any]]], threads: ThreadPoolExecutor
    ) -> list[Any]:
        low, high = self.share.bounds
        samples, at = list[Any](), 0
        for part in self.plan.parts(step):
            first, last = max(low - at, 0), min(high - at, len(part.rows))
            at += len(part.rows)
            if first >= last:
                continue
            window = part.window
            for old in [each for each in held if each.lane == window.lane and each < window]:
                del held[old]
            for each in (window, self.plan.after(window)):
                if each not in held:
                    held[each] = threads.submit(self._read, each)
            read = held[window].result()
            samples.extend(read[row] for row in part.rows[first:last].tolist())
        return samples

    def _read(self, window: Window) -> list[Any]:
        pieces = self.plan.order(window.epoch).pieces(window.start, window.stop)
        return [sample for piece in pieces for sample in self.data.read(*piece)]
