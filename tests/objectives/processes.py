"""Runs a function in several gloo processes that meet through a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.multiprocessing as mp

from vicreg_core.training.processes.launch import process_group


def run_processes(function: Callable[[int, int], Any], processes: int, folder: Path) -> list[Any]:
    """What ``function(rank, processes)`` returned in each process; it must be importable by name."""
    mp.spawn(_worker, (function, processes, folder), nprocs=processes)
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(processes)]


def _worker(rank: int, function: Callable[[int, int], Any], processes: int, folder: Path) -> None:
    torch.set_num_threads(1)
    if sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    with process_group("cpu", init_method=(folder / "store").as_uri(), rank=rank, world_size=processes):
        torch.save(function(rank, processes), folder / f"{rank}.pt")


def own_rows(rank: int, processes: int) -> slice:
    """An unequal share of the 13 rows of a global batch."""
    ends = {2: [0, 5, 13], 4: [0, 4, 6, 11, 13]}[processes]
    return slice(ends[rank], ends[rank + 1])
