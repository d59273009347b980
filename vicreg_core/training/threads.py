"""How many threads a run computes with on a CPU that others use too.

Threads that share the work of one operation wait for each other in a loop. Where another process holds one
of their cores, the others wait for a whole time slice at some operations, and two threads can take ten times
as long as one. So forward passes with one and with all are timed before training, and the faster number is
kept.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from vicreg_core.contracts import Augmentation, Batch, DatasetAdapter, Encoder
from vicreg_core.distributed import world_size
from vicreg_core.inference.embedder import Embedder
from vicreg_core.runs.directory import RunDirectory
from vicreg_core.runs.reading import DamagedFile, read_sealed

FASTER = 1.3
"""How much faster one thread must be than all of them to be kept: less may be chance."""
_ASKED = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
_SECONDS = 0.25
"""How long each number of threads is timed at least, twice: one pass may fall between two time slices."""
_ROWS = 16
"""Samples of a pass."""


def settle_threads(
    encoder: Encoder,
    data: DatasetAdapter,
    augmentation: Augmentation,
    device: torch.device,
    say: Callable[[str], None],
) -> None:
    """Compute with one thread where that is measured to be faster than with all, and say so.

    Nothing is done on an accelerator, in a run of several processes, or where the user has set a number of
    threads in the environment.
    """
    threads = torch.get_num_threads()
    asked = any(name in os.environ for name in _ASKED)
    if device.type != "cpu" or world_size() > 1 or threads == 1 or asked:
        return
    one = next(Embedder(encoder, augmentation, device=device).batches(data, np.arange(1)))
    training = encoder.training
    encoder.eval()
    try:
        batch = _repeated(one, _ROWS)
        seconds = _compared(encoder, batch, threads)
    finally:
        encoder.train(training)
        torch.set_num_threads(threads)
    if seconds[1] * FASTER < seconds[threads]:
        torch.set_num_threads(1)
        say(
            f"computing with 1 thread: a pass takes {1000 * seconds[1]:.1f} ms, and with {threads} threads "
            f"{1000 * seconds[threads]:.1f} ms, so other processes are using the cores; "
            f"OMP_NUM_THREADS={threads} asks for {threads} all the same"
        )


def resume_threads(run: RunDirectory) -> None:
    """Compute with as many threads as the run did before: rounding depends on them."""
    try:
        known: Any = read_sealed(run.environment)
    except DamagedFile:
        return
    threads = (known or {}).get("threads")
    if isinstance(threads, int) and 1 <= threads <= torch.get_num_threads():
        torch.set_num_threads(threads)


def _compared(encoder: Encoder, batch: Batch, threads: int) -> dict[int, float]:
    """Seconds of a pass with one thread and with all: the better of two means, in turn."""
    seconds = {threads: float("inf"), 1: float("inf")}
    for _ in range(2):
        for number, best in seconds.items():
            torch.set_num_threads(number)
            seconds[number] = min(best, _seconds_of_a_pass(encoder, batch))
    return seconds


@torch.no_grad()
def _seconds_of_a_pass(encoder: Encoder, batch: Batch) -> float:
    start, passes = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < _SECONDS or not passes:
        encoder(batch)
        passes += 1
    return elapsed / passes


def _repeated(batch: Batch, rows: int) -> Batch:
    """A batch of one sample as one of ``rows`` alike."""
    if isinstance(batch, dict):
        return {name: tensor.repeat_interleave(rows, dim=0) for name, tensor in batch.items()}
    return batch.repeat_interleave(rows, dim=0)
