"""Trials of a recipe, drawn by Optuna's tree-structured Parzen estimator, each an ordinary run."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vicreg_core.errors import RunError, TrainingFailed, TrainingPruned
from vicreg_core.recipes.load import LoadedRecipe, fingerprint, load_recipe
from vicreg_core.report.record import read_run
from vicreg_core.runs.reading import write_sealed
from vicreg_core.studies.engine import Task, Workers
from vicreg_core.studies.folder import claimed, write_rows
from vicreg_core.studies.tuning.criteria import Criterion, Figures, figures_of
from vicreg_core.studies.tuning.drawing import drawn, drawn_whole
from vicreg_core.studies.tuning.pruning import open_journal, pruner, require_online
from vicreg_core.studies.tuning.space import Range, Space, override

_JOURNAL, _FILE = "journal.log", "tuning.json"


@dataclass(frozen=True, slots=True)
class Tuning:
    """What is tuned, and where.

    Attributes:
        recipe, overrides: what every trial starts from.
        space: what they vary.
        by: what they are judged by.
        path: folder of the study.
        prune: stop trials that are behind.
    """

    recipe: str
    overrides: tuple[str, ...]
    space: Space
    by: Criterion
    path: Path
    prune: bool = False

    def overrides_of(self, params: Mapping[str, Any]) -> list[str]:
        """The recipe's and a trial's."""
        return [*self.overrides, *(override(key, value) for key, value in params.items())]

    @property
    def journal(self) -> Path:
        """Optuna's own file."""
        return self.path / _JOURNAL

    def run(self, number: int) -> Path:
        """The folder of a trial."""
        return self.path / "runs" / f"trial-{number:03d}"


@dataclass(frozen=True, slots=True)
class Trial:
    """One finished trial.

    Attributes:
        number: from 0.
        params: value by key, as Optuna drew them.
        figures: what it came to.
    """

    number: int
    params: Mapping[str, Any]
    figures: Figures


def tune(
    tuning: Tuning, trials: int, *, jobs: int = 1, say: Callable[[str], None] = lambda _: None
) -> list[Trial]:
    """Carry out trials until there are so many; those of an earlier call count, one that was stopped goes on.

    The first trial is the recipe itself where its values lie in the space. What is drawn for a trial hangs on
    the recipe's seed and the trials before, so that a study that was stopped comes to what it would have.
    Several at once are drawn together and awaited together, so that this holds for them too.

    Args:
        tuning: what is tried.
        trials: how many in all.
        jobs: at once; they share the cores.
        say: told of each.

    Raises:
        RecipeError: the space does not fit the recipe.
        RunError: the folder holds something else.
        TrainingInterrupted: on SIGINT or SIGTERM.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if tuning.prune:
        require_online(tuning.by)
    tuning.space.check(tuning.recipe, tuning.overrides)
    recipe = load_recipe(tuning.recipe, tuning.overrides, command="vicreg tune")
    _prepare(tuning, recipe)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study, running = open_study(tuning), optuna.trial.TrialState.RUNNING
        with Workers(jobs) as workers:
            while True:
                stopped = [
                    drawn_whole(tuning.space, recipe, study, each)
                    for each in study.trials
                    if each.state == running
                ]
                new = min(jobs, trials - len(study.trials))
                under_way = stopped or drawn(tuning.space, recipe, study, new)
                if not under_way:
                    break
                asked = {each.number: each.params for each in under_way}
                _carry_out(tuning, recipe, study, asked, workers, say)
        return [_finished(tuning, study, each) for each in study.trials]


def open_study(tuning: Tuning) -> Any:
    """Optuna's study of the folder, which its own tools read too."""
    return open_journal(tuning.journal)


def best_of(trials: Sequence[Trial], by: Criterion) -> Trial | None:
    """The best trial that came to its end; ``None`` where no trial has the criterion."""
    judged = [each for each in trials if not each.figures.ended and each.figures.value(by) is not None]
    return max(judged, key=lambda each: each.figures.value(by) or 0.0, default=None)


def regret_of(trials: Sequence[Trial], chosen: Trial) -> float | None:
    """How much more accurate the trial is that labels would have chosen; ``None`` without labels."""
    known = [each.figures.accuracy for each in trials if each.figures.accuracy is not None]
    own = chosen.figures.accuracy
    return None if own is None or not known else max(known) - own


def _carry_out(
    tuning: Tuning,
    recipe: LoadedRecipe,
    study: Any,
    drawn: Mapping[int, Mapping[str, Any]],
    workers: Workers,
    say: Callable[[str], None],
) -> None:
    """Run some trials and tell the study, in their order."""
    tasks = {
        Task(
            tuning.recipe,
            (*tuning.overrides_of(params), "monitor.on_collapse=stop", "evaluate.baselines=false"),
            tuning.run(number),
            protocols=("rank", "knn", "linear"),
            watch=pruner(tuning.journal, number, tuning.by, recipe) if tuning.prune else None,
        ): number
        for number, params in drawn.items()
    }
    failed = {tasks[task]: failure for task, failure in workers.run(list(tasks))}
    for number, params in sorted(drawn.items()):
        _tell(tuning, study, number, params, failed[number], say)


def _tell(
    tuning: Tuning,
    study: Any,
    number: int,
    params: Mapping[str, Any],
    failed: TrainingFailed | None,
    say: Callable[[str], None],
) -> None:
    import optuna

    pruned = isinstance(failed, TrainingPruned)
    if failed is None:
        figures = figures_of(read_run(tuning.run(number)))
    else:
        figures = Figures(collapsed=not pruned, pruned=pruned)
    value = None if figures.ended else figures.value(tuning.by)
    study.set_user_attr(_ended(number), figures.ended)
    # Of a pruned trial the estimator learns where not to look, of a failed one nothing.
    state = optuna.trial.TrialState.PRUNED if figures.ended else optuna.trial.TrialState.FAIL
    study.tell(number, value, state=state if value is None else None)
    told = f"{tuning.by} {value:.4g}" if value is not None else figures.ended or "no figure"
    say(f"trial {number}: {told}; {', '.join(override(key, value) for key, value in params.items())}")


def _ended(number: int) -> str:
    return f"trial {number} ended"


def _finished(tuning: Tuning, study: Any, trial: Any) -> Trial:
    """What an ended trial came to, by the run it left."""
    if trial.state.name == "PRUNED":
        pruned = study.user_attrs.get(_ended(trial.number)) == "pruned"
        return Trial(trial.number, trial.params, Figures(collapsed=not pruned, pruned=pruned))
    figures = figures_of(read_run(tuning.run(trial.number)))
    return Trial(trial.number, trial.params, figures)


def _prepare(tuning: Tuning, recipe: LoadedRecipe) -> None:
    """Make the folder, or go on with the same recipe, space and criterion."""
    space = {
        key: values.model_dump(by_alias=True) if isinstance(values, Range) else list(values)
        for key, values in tuning.space.keys.items()
    }
    wanted = {"recipe_mark": fingerprint(recipe.recipe), "space": space, "by": tuning.by}
    known = claimed(tuning.path, _FILE, "holds no trials")
    if known is None:
        write_sealed(tuning.path / _FILE, {"recipe": tuning.recipe, **wanted})
        return
    for key, what in (("recipe_mark", "another recipe"), ("space", "another space"), ("by", "another --by")):
        if known.get(key) != wanted[key]:
            raise RunError(f"{tuning.path} holds trials of {what}; go on as it began, or name another --out")


def importances(tuning: Tuning) -> dict[str, float]:
    """Share of each key in how the criterion varies, by fANOVA (Hutter et al., ICML 2014), highest first.

    Empty where fewer than four trials have the criterion, or it does not vary.
    """
    import optuna

    study = open_study(tuning)
    values = {each.value for each in study.trials if each.value is not None}
    if len(values) < 4:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    found: dict[str, float] = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return found


def write_table(trials: Sequence[Trial], path: Path) -> None:
    """A row a trial: its number, its values and its figures.

    Raises:
        RunError: when the disk refuses.
    """
    write_rows([{"trial": each.number, **each.params, **each.figures._asdict()} for each in trials], path)
