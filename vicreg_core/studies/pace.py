"""How many steps of each method take equally long."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from vicreg_core.models.precision import resolve_device
from vicreg_core.recipes.load import LoadedRecipe
from vicreg_core.studies.design import Design
from vicreg_core.training.session import passing_trainer

_WARM, _TIMED = 3, 12


def equal_seconds(design: Design, say: Callable[[str], None] = lambda _: None) -> dict[str, int]:
    """Steps by method such that each trains as long as the first does with the steps of the recipe.

    Each is timed over a few steps, one after the other on the same machine; the median counts.

    Raises:
        RecipeError: a method's recipe has mistakes.
    """
    cells = {cell.method: cell for cell in reversed(design.cells())}
    seconds, steps = dict[str, float](), 0
    for method in design.methods:
        seconds[method], total = _step_seconds(design.load(cells[method]))
        steps = steps or total
    first = seconds[design.methods[0]]
    found = {method: max(1, round(steps * first / each)) for method, each in seconds.items()}
    for method, each in seconds.items():
        say(f"{method}: {1000 * each:.0f} ms a step, {found[method]:,} steps")
    return found


def _step_seconds(loaded: LoadedRecipe) -> tuple[float, int]:
    """Seconds of a step, the reading of its batch included, and the steps of the whole run."""
    device = resolve_device(loaded.recipe.train.device)
    with passing_trainer(loaded, device) as trainer:
        times, before = [], time.perf_counter()
        for batches in trainer.batches(_WARM + _TIMED):
            trainer.train_step(batches)
            now = time.perf_counter()
            times.append(now - before)
            before = now
    return float(np.median(times[_WARM:])), trainer.total_steps
