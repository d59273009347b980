"""Stopping trials that are behind the others, by a figure that is logged while they train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vicreg_core.errors import RecipeError
from vicreg_core.recipes.load import LoadedRecipe

STARTUP = 5
"""Finished trials before any is stopped, and before the estimator has anything to go by."""

WARM_UP = 25
"""Percent of a run before which it is not judged: the learning rate is still rising, and curves cross."""

ONLINE = {"rankme": "representation_effective_rank", "probe": "probe_knn"}
"""The logged figure that stands for a criterion while a run is under way."""


def open_journal(journal: Path, *, pruned: bool = False) -> Any:
    """Optuna's study in a journal, which its own tools read too; with its median rule where it prunes."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    rule = optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=WARM_UP)
    return optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(journal))),
        study_name="vicreg",
        direction="maximize",
        load_if_exists=True,
        # Trials are drawn elsewhere; a worker that reports on one must not draw for it.
        sampler=optuna.samplers.RandomSampler(),
        pruner=rule if pruned else optuna.pruners.NopPruner(),
    )


@dataclass(frozen=True)
class Pruner:
    """Reports a trial's online figure to the study by percent of its run, and stops it where it is behind.

    Behind is Optuna's median rule: the best so far is below the median of what the finished trials had by
    then. Trials that run at once do not count for each other, so that a study does not depend on their speed.

    Args:
        journal: of the study.
        number: of the trial.
        figure: key of the logged record.
        length: steps or epochs of the run.
        unit: ``"step"`` or ``"epoch"``.
    """

    journal: Path
    number: int
    figure: str
    length: float
    unit: str

    def __call__(self, record: Mapping[str, Any]) -> str | None:
        """The reason to stop, if the figure is logged and behind."""
        value = record.get(self.figure)
        percent = int(100 * record[self.unit] / self.length)
        if value is None or percent >= 100:
            return None
        self._trial.report(value, percent)
        if not self._trial.should_prune():
            return None
        return (
            f"after {percent} % its {self.figure} of {value:.4g} is behind the median of the earlier trials"
        )

    @cached_property
    def _trial(self) -> Any:
        import optuna

        study = open_journal(self.journal, pruned=True)
        return optuna.trial.Trial(study, study.trials[self.number]._trial_id)

    def __getstate__(self) -> dict[str, Any]:
        """Without the open journal: a worker process opens its own."""
        return {key: value for key, value in self.__dict__.items() if key != "_trial"}


def pruner(journal: Path, number: int, by: str, recipe: LoadedRecipe) -> Pruner:
    """The pruner of a trial, whose recipe is ``recipe``.

    Raises:
        RecipeError: no figure that is logged stands for the criterion.
    """
    require_online(by)
    train = recipe.recipe.train
    length, unit = (train.steps, "step") if train.steps else (train.epochs or 0, "epoch")
    return Pruner(journal, number, ONLINE[by], length, unit)


def require_online(by: str) -> None:
    """Refuse to prune by a criterion that is only known at the end of a run.

    Raises:
        RecipeError: saying which are known before.
    """
    if by not in ONLINE:
        raise RecipeError(
            f"--prune: {by} is measured at the end of a run alone; stop trials early with --by "
            f"{' or --by '.join(ONLINE)}"
        )
