"""Work on many images at once in threads; decoders release the interpreter lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from vicreg_core.data.workers import cores

T = TypeVar("T")
Indices: TypeAlias = Sequence[int] | NDArray[np.int64]

_CHUNK = 64
"""Images a task, so that the queue costs little beside the decoding."""

_IN_FLIGHT = 4
"""Chunks a thread may be ahead of the consumer: bounds the memory of results not yet taken."""


def each(work: Callable[[int], T], indices: Indices, threads: int | None = None) -> Iterator[T]:
    """``work`` of each index, in order, computed ahead of the consumer.

    The first exception of ``work`` is raised where its result would have come; what had not begun is dropped.

    Args:
        work: called in several threads at once.
        indices: what to call it with.
        threads: how many; default one a core.
    """
    threads = cores() if threads is None else threads
    if threads == 1:
        yield from (work(int(i)) for i in indices)
        return
    chunks = (indices[start : start + _CHUNK] for start in range(0, len(indices), _CHUNK))
    with ThreadPoolExecutor(threads) as pool:
        try:
            yield from _ordered(
                pool, lambda chunk: [work(int(i)) for i in chunk], chunks, threads * _IN_FLIGHT
            )
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _ordered(
    pool: ThreadPoolExecutor, task: Callable[[Indices], list[T]], chunks: Iterable[Indices], ahead: int
) -> Iterator[T]:
    """The results of all chunks, one chunk after the other, at most ``ahead`` of them waiting."""
    waiting: deque[Future[list[T]]] = deque()
    for chunk in chunks:
        waiting.append(pool.submit(task, chunk))
        if len(waiting) > ahead:
            yield from waiting.popleft().result()
    while waiting:
        yield from waiting.popleft().result()
