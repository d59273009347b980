"""What the next trials try, as Optuna's tree-structured Parzen estimator draws it."""

from __future__ import annotations

import json
from typing import Any

from vicreg_core.contracts.keys import mix_int, stream_id
from vicreg_core.recipes.check import value_at
from vicreg_core.recipes.load import LoadedRecipe
from vicreg_core.studies.tuning.pruning import STARTUP
from vicreg_core.studies.tuning.space import Range, Space


def drawn(space: Space, recipe: LoadedRecipe, study: Any, count: int) -> list[Any]:
    """New trials; the first of a study is the recipe itself where its values lie in the space.

    What is drawn for a trial hangs on the recipe's seed and the trials before.
    """
    found = []
    for _ in range(count):
        number = len(study.trials)
        study.sampler = _sampler(mix_int(recipe.recipe.seed, stream_id("tune"), number) % 2**32)
        if number == 0 and (own := _own_values(space, recipe)):
            study.enqueue_trial(own)
        found.append(study.ask(space.distributions()))
    return found


def drawn_whole(space: Space, recipe: LoadedRecipe, study: Any, trial: Any) -> Any:
    """A stopped trial with a value for each key: a kill may have come between two of them."""
    import optuna

    distributions = space.distributions()
    if trial.params.keys() == distributions.keys():
        return trial
    before = optuna.create_study(direction="maximize")
    before.add_trials(study.trials[: trial.number])
    (again,) = drawn(space, recipe, before, 1)
    study.sampler = optuna.samplers.PartialFixedSampler(again.params, optuna.samplers.RandomSampler())
    live = optuna.trial.Trial(study, trial._trial_id)
    for name, distribution in distributions.items():
        live._suggest(name, distribution)
    return study.trials[trial.number]


def _sampler(seed: int) -> Any:
    import optuna

    return optuna.samplers.TPESampler(
        seed=seed, multivariate=True, n_startup_trials=STARTUP, constant_liar=True
    )


def _own_values(space: Space, recipe: LoadedRecipe) -> dict[str, Any]:
    """The recipe's own value of each key; empty where one lies outside the space."""
    data, found = recipe.data, dict[str, Any]()
    for key, values in space.keys.items():
        value = value_at(data, key)
        if isinstance(values, Range):
            inside = isinstance(value, int | float) and values.low <= value <= values.high
        else:
            inside = value in values
        if not inside:
            return {}
        found[key] = value if isinstance(values, Range) else json.dumps(value)
    return found
