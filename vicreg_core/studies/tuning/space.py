"""Which keys of a recipe are tried, and which values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from vicreg_core.errors import RecipeError
from vicreg_core.recipes.load import LoadedRecipe, load_recipe
from vicreg_core.recipes.schema import StrictModel
from vicreg_core.recipes.yaml import read_yaml

_AROUND = 10.0
"""The default space tries learning rates from a tenth of the recipe's to ten times as much."""


class Range(StrictModel):
    """Numbers from one to another, both included.

    Attributes:
        low, high: ``from`` and ``to`` in the file.
        log: drawn evenly by the logarithm.
        whole: whole numbers only.
    """

    low: Annotated[float, Field(alias="from", allow_inf_nan=False)]
    high: Annotated[float, Field(alias="to", allow_inf_nan=False)]
    log: bool = False
    whole: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError("expected from < to, and from above 0 where log is true")
        return self


@dataclass(frozen=True, slots=True)
class Space:
    """The values to try, by dotted key: a range, or a list of values in the form of a recipe.

    Attributes:
        keys: in the order of the file.
    """

    keys: Mapping[str, Range | Sequence[Any]]

    def distributions(self) -> dict[str, Any]:
        """The same for Optuna; a value of a list that is no number or text is tried as its JSON."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        found: dict[str, Any] = {}
        for key, values in self.keys.items():
            if not isinstance(values, Range):
                found[key] = CategoricalDistribution([json.dumps(value) for value in values])
            elif values.whole:
                found[key] = IntDistribution(int(values.low), int(values.high), log=values.log)
            else:
                found[key] = FloatDistribution(values.low, values.high, log=values.log)
        return found

    def check(self, recipe: str, overrides: Sequence[str]) -> None:
        """Refuse a key or value that the recipe does not take.

        Raises:
            RecipeError: naming the key.
        """
        for key, values in self.keys.items():
            ends = [values.low, values.high] if isinstance(values, Range) else values
            for value in ends:
                whole = int(value) if isinstance(values, Range) and values.whole else value
                load_recipe(recipe, [*overrides, override(key, whole)], command="vicreg tune")


def override(key: str, value: Any) -> str:
    """A value as it is laid over a recipe.

    >>> override("projector.dims", "[512, 512]"), override("optimizer.lr", 0.001)
    ('projector.dims=[512, 512]', 'optimizer.lr=0.001')
    """
    return f"{key}={value if isinstance(value, str) else json.dumps(value)}"


def read_space(path: Path) -> Space:
    """Read ``KEY: {from: 1e-4, to: 1e-2, log: true}`` and ``KEY: [value, value]``.

    Raises:
        RecipeError: it is no such file, saying where.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise RecipeError(f"--space: cannot read {path}: {error}") from error
    document = read_yaml(text, str(path))
    if document.problems:
        raise RecipeError(f"--space: {document.problems[0]}")
    if not isinstance(document.data, dict) or not document.data:
        raise RecipeError(f"--space: {path} names no keys; expected lines such as optimizer.lr: [1e-3, 3e-3]")
    keys: dict[str, Range | Sequence[Any]] = {}
    for key, value in document.data.items():
        place = document.places.get((key,))
        try:
            keys[str(key)] = _values(value)
        except ValueError as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            raise RecipeError(
                f"--space: {place or path}: {key}: {reason}; expected {{from: LOW, to: HIGH, log: true}} or "
                f"a list of values, got {json.dumps(value)}"
            ) from error
    return Space(keys)


def _values(value: Any) -> Range | Sequence[Any]:
    if isinstance(value, list):
        if len(value) < 2:
            raise ValueError("a list of one value tries nothing")
        return value
    return TypeAdapter(Range).validate_json(json.dumps(value))


def default_space(loaded: LoadedRecipe) -> Space:
    """Learning rate first, then the weights of VICReg, projector and batch, around the recipe's own."""
    recipe = loaded.recipe
    lr, batch = recipe.optimizer.lr, recipe.train.batch_size
    keys: dict[str, Range | Sequence[Any]] = {"optimizer.lr": _around(lr, _AROUND)}
    options = recipe.objective.options if recipe.objective.name == "core/vicreg" else {}
    for weight in ("invariance", "variance", "covariance"):
        if options.get(weight):
            keys[f"objective.{weight}"] = _around(options[weight], 5.0)
    dims = recipe.projector.dims
    keys["projector.dims"] = [[max(1, dim // 2) for dim in dims], list(dims), [2 * dim for dim in dims]]
    keys["train.batch_size"] = [max(2, batch // 2), batch]
    return Space(keys)


def _around(value: float, factor: float) -> Range:
    return Range.model_validate({"from": value / factor, "to": value * factor, "log": True})
