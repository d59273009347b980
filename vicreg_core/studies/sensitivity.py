"""The map of a recipe's settings: one key at a time around its own values, and two weights together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vicreg_core.recipes.check import value_at
from vicreg_core.recipes.load import LoadedRecipe
from vicreg_core.studies.design import Design, Variation
from vicreg_core.studies.results import Outcome
from vicreg_core.studies.tuning.space import Range, default_space, override

MAP = ("objective.invariance", "objective.variance")
"""The keys that are varied together: whether they collapse hangs on both (table 7 of the paper)."""
_MAP_FACTORS = (0.04, 0.2, 1.0, 4.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """One key with the values it is tried at, in order; the recipe's own is among them.

    Attributes:
        key: dotted.
        values: in the form of a recipe.
        own: the recipe's.
    """

    key: str
    values: tuple[Any, ...]
    own: Any

    def setting(self, value: Any) -> tuple[str, ...]:
        """The overrides of a value; none for the recipe's own."""
        return () if value == self.own else (override(self.key, value),)


@dataclass(frozen=True, slots=True)
class Survey:
    """What is tried.

    Attributes:
        axes: keys varied alone.
        grid: values of the two keys of :data:`MAP`, varied together; empty: they are not.
    """

    axes: tuple[Axis, ...]
    grid: tuple[Axis, ...] = ()

    def settings(self) -> tuple[tuple[str, ...], ...]:
        """The recipe as it is, then all others, none twice."""
        alone = [axis.setting(value) for axis in self.axes for value in axis.values]
        pairs = (
            [(*a, *b) for a in _settings(self.grid[0]) for b in _settings(self.grid[1])] if self.grid else []
        )
        return tuple(dict.fromkeys([(), *alone, *pairs]))

    def outcome(self, outcomes: Sequence[Outcome], setting: tuple[str, ...]) -> list[Outcome]:
        """The runs of a setting, one a seed."""
        return [each for each in outcomes if each.cell.setting == ", ".join(setting)]


def survey(
    loaded: LoadedRecipe, points: int, extra: Sequence[Variation] = (), *, grid: bool = True
) -> Survey:
    """The settings around a recipe's.

    Learning rate, weights of VICReg, projector and batch, as ``vicreg tune`` tries them by default, at
    ``points`` values each where they are numbers.

    Args:
        loaded: the recipe.
        points: values of a range, odd so that the recipe's own is the middle one.
        extra: further keys with their values.
        grid: vary the weights of invariance and variance together too, where the objective is VICReg.
    """
    data = loaded.data
    axes = []
    for key, values in default_space(loaded).keys.items():
        own = value_at(data, key)
        listed = _spread(values, points, own) if isinstance(values, Range) else list(values)
        axes.append(Axis(key, tuple(listed), own))
    axes += [Axis(each.key, tuple(dict.fromkeys([*each.values])), value_at(data, each.key)) for each in extra]
    weights = [value_at(data, key) for key in MAP]
    both: tuple[Axis, ...] = ()
    if grid and loaded.recipe.objective.name == "core/vicreg" and all(weights):
        both = tuple(
            Axis(key, tuple(_rounded(own * factor) for factor in _MAP_FACTORS), own)
            for key, own in zip(MAP, weights, strict=True)
        )
    return Survey(tuple(axes), both)


def studied(recipe: str, overrides: Sequence[str], what: Survey, objective: str, seeds: int) -> Design:
    """The study that tries them; a run that collapses is stopped, since it cannot recover."""
    return Design(
        recipe,
        (*overrides, "monitor.on_collapse=stop"),
        (objective,),
        what.settings(),
        seeds,
        floors_once=True,
    )


def _settings(axis: Axis) -> list[tuple[str, ...]]:
    return [axis.setting(value) for value in axis.values]


def _spread(values: Range, points: int, own: float) -> list[float]:
    """Evenly by the logarithm from end to end; the recipe's own value stands as it is written."""
    found = np.geomspace(values.low, values.high, points)
    return [own if abs(value / own - 1) < 1e-6 else _rounded(float(value)) for value in found]


def _rounded(value: float) -> float:
    """To three digits, as a person would write it."""
    return float(f"{value:.3g}")
