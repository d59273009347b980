"""Axes: from values to positions, and the values worth a tick."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps ``[low, high]`` to ``[start, end]``, linearly or by the logarithm.

    Attributes:
        low, high: the values at the ends, ``low < high``; positive where ``log``.
        start, end: the positions of the ends.
        log: by the logarithm.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    @classmethod
    def over(
        cls, values: Sequence[float], start: float, end: float, *, log: bool = False, zero: bool = False
    ) -> Scale:
        """A scale that shows ``values`` with a little room, from zero if asked; of any finite values."""
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        if log and low > 0:
            room = (high / low) ** 0.06 if high > low else 2.0
            return cls(low / room, high * room, start, end, True)
        low = min(low, 0.0) if zero else low
        room = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
        return cls(low if zero and low == 0 else low - room, high + room, start, end)

    def __call__(self, value: float) -> float:
        """The position of a value."""
        low, high = self.low, self.high
        if self.log:
            value, low, high = math.log(max(value, 1e-300)), math.log(low), math.log(high)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Round values between the ends."""
        if not self.log:
            return _linear_ticks(self.low, self.high, about)
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for digits in ((1, 2, 5), (1, 3), (1,)):
            found = [d * 10.0**e for e in decades for d in digits if self.low <= d * 10.0**e <= self.high]
            if len(found) <= about + 1:
                break
        if len(found) > about + 1:
            found = found[:: math.ceil(len(found) / about)]
        return found if len(found) >= 2 else _linear_ticks(self.low, self.high, about)


def _linear_ticks(low: float, high: float, about: int) -> list[float]:
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * digit for digit in (1, 2, 2.5, 5, 10) if power * digit >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    ticks: list[float] = []
    while (first + len(ticks)) * step <= high + 1e-9 * step:
        ticks.append((first + len(ticks)) * step)
    return ticks


def tick_label(value: float) -> str:
    """A short label: ``1200`` is ``1,200``, ``25000`` is ``25k``, ``0.0001`` is ``1e-4``."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6:
        return f"{value / 1e6:g}M"
    if size >= 1e4:
        return f"{value / 1e3:g}k"
    if size < 1e-3:
        return f"{value:.1e}".replace("e-0", "e-").replace(".0e", "e")
    return f"{value:,.6g}" if size >= 1000 else f"{value:.4g}"
