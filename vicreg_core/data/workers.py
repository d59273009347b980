"""How many processes read data."""

from __future__ import annotations

import os
from typing import Literal

_MOST = 8


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def resolve_workers(workers: int | Literal["auto"], processes: int = 1) -> int:
    """Loader processes of one process of a run.

    Args:
        workers: as asked; ``"auto"`` is this process's share of the cores less one, at least 1 and at most 8.
        processes: processes of the run on this machine.
    """
    if workers != "auto":
        return workers
    return max(1, min(_MOST, cores() // processes - 1))
