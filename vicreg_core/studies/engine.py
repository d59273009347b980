"""Carrying a study out: run after run, or several at once, never one twice."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from vicreg_core.errors import RunError, TrainingFailed
from vicreg_core.recipes.load import fingerprint, load_recipe
from vicreg_core.runs.reading import DamagedFile, read_sealed, write_sealed
from vicreg_core.studies.design import Cell, Design
from vicreg_core.studies.folder import StudyFolder

if TYPE_CHECKING:
    from vicreg_core.training.failure import Watch

Say = Callable[[str], None]


def run_study(design: Design, folder: StudyFolder, *, jobs: int = 1, say: Say = lambda _: None) -> list[Cell]:
    """Run what has not been run yet; a run that was stopped goes on from its checkpoint.

    The floors of a setting and seed do not depend on the objective: they are evaluated once. A run that ends
    in NaN, or that ``monitor.on_collapse`` stops, is a result like others: it has no scores.

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
        TrainingInterrupted: on SIGINT or SIGTERM; the study goes on when it is started again.
    """
    cells = design.cells()
    marks = {cell: fingerprint(design.load(cell).recipe) for cell in cells}
    folder.prepare(design)
    open_cells = [cell for cell in cells if not _is_done(folder, cell, marks[cell])]
    if done := len(cells) - len(open_cells):
        say(f"{done} of {len(cells)} runs are done already")
    tasks = {
        Task(design.recipe, _overrides(cell, cells, design), folder.run(cell)): cell for cell in open_cells
    }
    with Workers(jobs) as workers:
        for number, (task, failed) in enumerate(workers.run(list(tasks)), start=done + 1):
            cell = tasks[task]
            if failed is not None:
                write_sealed(folder.failure(cell), {"mark": marks[cell], "message": str(failed)})
            how = "done" if failed is None else f"failed ({str(failed).splitlines()[0]})"
            say(f"run {number} of {len(cells)} {how}: {cell.group}, seed {cell.seed}")
    return cells


class Task:
    """One run, as it goes to a worker process.

    Args:
        recipe, overrides: what it is of.
        out: its folder, from which a run that was stopped goes on.
        protocols: to evaluate; ``None``: the recipe's.
        watch: ends the run where it gives a reason to.
    """

    def __init__(
        self,
        recipe: str,
        overrides: Sequence[str],
        out: Path,
        *,
        protocols: Sequence[str] | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.recipe, self.overrides, self.out = recipe, tuple(overrides), out
        self.protocols, self.watch = protocols, watch

    def __call__(self) -> None:
        """Train and evaluate; says nothing but in the run's own log."""
        from vicreg_core.evaluation.run import evaluate_run
        from vicreg_core.runs.directory import RunDirectory
        from vicreg_core.training.session import train_run

        self.out.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.redirect_stderr(io.StringIO()):
            loaded = load_recipe(self.recipe, self.overrides)
            run = RunDirectory(self.out)
            train_run(loaded, run, resume=self.out.exists(), overwrite=False, watch=self.watch)
            evaluate_run(self.out, self.protocols)


def _overrides(cell: Cell, cells: Sequence[Cell], design: Design) -> list[str]:
    """A run's, which evaluates the floors where it is the first that has them."""
    alike = [
        each
        for each in cells
        if each.seed == cell.seed and (design.floors_once or each.setting == cell.setting)
    ]
    return [*cell.overrides, *([] if alike[0] == cell else ["evaluate.baselines=false"])]


def _is_done(folder: StudyFolder, cell: Cell, mark: str) -> bool:
    """It was trained to its end and evaluated, or it failed; a damaged evaluation counts as none.

    Raises:
        RunError: it is of another recipe, as under another budget.
    """
    run, failure = folder.run(cell), folder.failure(cell)
    try:
        failed = read_sealed(failure) if failure.exists() else None
        if failed is None and read_sealed(run / "evaluation.json") is None:
            return False
    except DamagedFile:
        return False
    known = failed["mark"] if failed else fingerprint(load_recipe(str(run / "recipe.yaml")).recipe)
    if known != mark:
        raise RunError(
            f"{run} was trained otherwise than this study asks (another --budget?); name another --out"
        )
    return True


class Workers:
    """Carries tasks out: one after the other in this process, or several at once in others.

    Args:
        jobs: at once; they share the cores.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._held = contextlib.ExitStack()
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        from vicreg_core.data.splits import opened_once
        from vicreg_core.data.workers import cores

        if self.jobs == 1:
            self._held.enter_context(opened_once())
            return self
        self._pool = ProcessPoolExecutor(
            max_workers=self.jobs,
            mp_context=get_context("spawn"),
            initializer=_begin,
            initargs=(max(1, cores() // self.jobs),),
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._held.close()

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, TrainingFailed | None]]:
        """Each task as it ends, with what its training failed by; whatever else goes wrong is raised."""
        if self._pool is None:
            for task in tasks:
                yield task, _failure(task)
            return
        running = {self._pool.submit(_failure, task): task for task in tasks}
        for each in as_completed(running):
            yield running[each], each.result()


def _failure(task: Task) -> TrainingFailed | None:
    try:
        task()
    except TrainingFailed as failed:
        return failed
    return None


def _begin(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
