"""Where and how large a part is measured, and how time and memory are."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

Figures: TypeAlias = list[dict[str, Any]]

PEAK_BFLOAT16 = {"H100": 989e12, "H200": 989e12, "A100": 312e12}
"""Dense bfloat16 operations a second, by what the device's name contains (data sheets)."""


@dataclass(frozen=True)
class Scale:
    """What every part is told."""

    device: torch.device
    small: bool
    overrides: tuple[str, ...] = ()
    compiled: bool = False

    @property
    def device_name(self) -> str:
        return torch.cuda.get_device_name(self.device) if self.on_gpu else platform.processor() or "cpu"

    @property
    def on_gpu(self) -> bool:
        return self.device.type == "cuda"

    @property
    def peak(self) -> float | None:
        return next((peak for name, peak in PEAK_BFLOAT16.items() if name in self.device_name), None)

    def wait(self) -> None:
        if self.on_gpu:
            torch.cuda.synchronize(self.device)

    def seconds_of(self, work: Callable[[], object], rounds: int = 10) -> float:
        """The best of ``rounds`` passes, after two that warm up."""
        best = float("inf")
        for index in range(rounds + 2):
            self.wait()
            started = time.perf_counter()
            work()
            self.wait()
            if index >= 2:
                best = min(best, time.perf_counter() - started)
        return best

    def extra_mib(self, work: Callable[[], object]) -> float | None:
        """The peak of allocated memory during a pass, less what was allocated before; ``None`` on a CPU."""
        if not self.on_gpu:
            return None
        work()
        torch.cuda.synchronize(self.device)
        torch.cuda.reset_peak_memory_stats(self.device)
        before = torch.cuda.memory_allocated(self.device)
        kept = work()
        peak = torch.cuda.max_memory_allocated(self.device) - before
        del kept
        return peak / 2**20
