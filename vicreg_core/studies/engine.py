"""Carrying a study out: run after run, or several at once, never one twice."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from vicreg_core.errors import VicregError
from vicreg_core.runs.reading import read_sealed
from vicreg_core.studies.design import Cell, Design
from vicreg_core.studies.folder import StudyFolder

Say = Callable[[str], None]


def run_study(design: Design, folder: StudyFolder, *, jobs: int = 1, say: Say = lambda _: None) -> list[Cell]:
    """Run what has not been run yet; a run that was stopped goes on from its checkpoint.

    The floors of a setting and seed do not depend on the objective: they are evaluated once.

    Args:
        design: of the study.
        folder: where its runs go.
        jobs: runs at once, which share the cores.
        say: told of each run as it ends.

    Returns:
        All runs of the study.

    Raises:
        RecipeError: a run's recipe has mistakes; nothing is run then.
        RunError: the folder holds another study.
        TrainingFailed: a run gave NaN.
        TrainingInterrupted: on SIGINT or SIGTERM; the study goes on when it is started again.
    """
    cells = design.cells()
    for cell in cells:
        design.load(cell)
    folder.prepare(design)
    open_cells = [cell for cell in cells if not _is_done(folder.run(cell))]
    if done := len(cells) - len(open_cells):
        say(f"{done} of {len(cells)} runs are done already")
    tasks = {Task(design.recipe, _overrides(cell, cells), folder.run(cell)): cell for cell in open_cells}
    ended = _one_by_one(list(tasks)) if jobs == 1 else _at_once(list(tasks), jobs)
    for number, task in enumerate(ended, start=done + 1):
        say(f"run {number} of {len(cells)} done: {tasks[task].group}, seed {tasks[task].seed}")
    return cells


class Task:
    """One run, as it goes to a worker process.

    Args:
        recipe, overrides: what it is of.
        out: its folder, from which a run that was stopped goes on.
        protocols: to evaluate; ``None``: the recipe's.
    """

    def __init__(
        self, recipe: str, overrides: Sequence[str], out: Path, *, protocols: Sequence[str] | None = None
    ) -> None:
        self.recipe, self.overrides, self.out, self.protocols = recipe, tuple(overrides), out, protocols

    def __call__(self) -> None:
        """Train and evaluate; says nothing but in the run's own log."""
        from vicreg_core.evaluation.run import evaluate_run
        from vicreg_core.recipes.load import load_recipe
        from vicreg_core.runs.directory import RunDirectory
        from vicreg_core.training.session import train_run

        self.out.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.redirect_stderr(io.StringIO()):
            loaded = load_recipe(self.recipe, self.overrides)
            train_run(loaded, RunDirectory(self.out), resume=self.out.exists(), overwrite=False)
            evaluate_run(self.out, self.protocols)


def _overrides(cell: Cell, cells: Sequence[Cell]) -> list[str]:
    """A run's, which evaluates the floors where it is the first of its setting and seed."""
    alike = [each for each in cells if (each.setting, each.seed) == (cell.setting, cell.seed)]
    return [*cell.overrides, *([] if alike[0] == cell else ["evaluate.baselines=false"])]


def _is_done(run: Path) -> bool:
    """It was trained to its end and evaluated; a damaged evaluation counts as none."""
    with contextlib.suppress(VicregError):
        return read_sealed(run / "evaluation.json") is not None
    return False


def _one_by_one(tasks: Sequence[Task]) -> Iterator[Task]:
    from vicreg_core.data.splits import opened_once

    with opened_once():
        for task in tasks:
            task()
            yield task


def _at_once(tasks: Sequence[Task], jobs: int) -> Iterator[Task]:
    """In worker processes, each with its share of the cores."""
    cores = max(1, len(os.sched_getaffinity(0)) // jobs) if hasattr(os, "sched_getaffinity") else 1
    with ProcessPoolExecutor(
        max_workers=jobs, mp_context=get_context("spawn"), initializer=_begin, initargs=(cores,)
    ) as pool:
        running = {pool.submit(task): task for task in tasks}
        try:
            for each in as_completed(running):
                each.result()
                yield running[each]
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _begin(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
