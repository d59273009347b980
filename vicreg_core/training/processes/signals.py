"""Stopping politely: a signal lets the step finish, and all processes stop at the same step."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

import torch

from vicreg_core.distributed import is_distributed

STOPPING = ("SIGINT", "SIGTERM", "SIGUSR1")
"""Signals that end a run after its step; the last is none on Windows."""


class StopSignals:
    """While active, SIGINT, SIGTERM and SIGUSR1 only ask for a stop; a second one acts as it did before.

    SIGUSR1 is what schedulers send some time before they end a job.

    Signals reach processes at different moments, so whether to stop is agreed on by a one-number
    reduction a step when there is more than one process.
    """

    _SIGNALS = tuple(getattr(signal, name) for name in STOPPING if hasattr(signal, name))

    def __init__(self) -> None:
        self._received = 0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        for number in self._SIGNALS:
            self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *exception: object) -> None:
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._received = number
        self._restore()

    def agreed(self, device: torch.device) -> int:
        """The number of the signal any process received so far, the same on all of them; 0 for none."""
        if not is_distributed():
            return self._received
        flag = torch.tensor(self._received, device=device)
        torch.distributed.all_reduce(flag, op=torch.distributed.ReduceOp.MAX)
        return int(flag.item())
