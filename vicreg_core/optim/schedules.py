"""Learning-rate schedules as pure functions of the step: there is no scheduler state to save."""

from __future__ import annotations

import math
from typing import Literal


def learning_rate(
    step: int,
    total_steps: int,
    *,
    peak: float,
    warmup: float = 0.1,
    schedule: Literal["cosine", "constant"] = "cosine",
    final: float = 0.001,
) -> float:
    """The learning rate of ``step`` (from 0): linear warm-up, then cosine decay or a constant.

    The first step already learns, at ``peak / warmup_steps``; the last step of a cosine is at
    ``final * peak``. Warm-up is a share of the run, so it ends in a run of any length.

    Args:
        step: step number, ``0 <= step < total_steps``.
        total_steps: length of the run in steps.
        peak: highest learning rate.
        warmup: share of ``total_steps`` spent in warm-up.
        schedule: what follows the warm-up.
        final: learning rate at the last step of a cosine as a share of ``peak``.
    """
    warmup_steps = round(warmup * total_steps)
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    if schedule == "constant":
        return peak
    progress = (step - warmup_steps) / max(1, total_steps - 1 - warmup_steps)
    return peak * (final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress)))
