"""What a study runs: one recipe with different objectives, values of a key and seeds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

from vicreg_core.errors import RecipeError
from vicreg_core.recipes.load import LoadedRecipe, fingerprint, load_recipe

_ADDED = re.compile(r"(?:(?P<weight>[0-9.eE+-]+)\*)?(?P<name>[^*]+)")


class Variation(NamedTuple):
    """The values of one recipe key that a study tries.

    Attributes:
        key: dotted.
        values: as a user writes them after ``key=``.
    """

    key: str
    values: tuple[str, ...]

    @property
    def settings(self) -> tuple[tuple[str, ...], ...]:
        """Each value as overrides."""
        return tuple((f"{self.key}={value}",) for value in self.values)


class Cell(NamedTuple):
    """One run of a study.

    Attributes:
        method: the objective as the user named it.
        setting: ``key=value`` of what is varied, joined by commas; empty where nothing is.
        seed: of all its randomness.
        overrides: what is laid over the recipe.
    """

    method: str
    setting: str
    seed: int
    overrides: tuple[str, ...]

    @property
    def name(self) -> str:
        """The folder of the run: what tells it apart, as a file name."""
        parts = [self.method, *([self.setting] if self.setting else []), f"seed={self.seed}"]
        return re.sub(r"[^A-Za-z0-9_.=+-]+", "-", "--".join(parts))

    @property
    def group(self) -> str:
        """What it is called beside other runs, whatever their seed."""
        return f"{self.method}, {self.setting}" if self.setting else self.method


@dataclass(frozen=True, slots=True)
class Design:
    """A study.

    Attributes:
        recipe: a shipped name or a path.
        overrides: laid over it in every run.
        methods: objectives, each a name or a sum, ``core/vicreg+0.1*core/info-nce``, with overrides of its
            own if any: ``core/supervised@objective.dropout=0.5@optimizer.lr=1e-3``.
        settings: overrides of which each is tried with every method; an empty one is the recipe as it is.
        seeds: how many; they count up from the recipe's.
        steps: length of each method under a budget of seconds; empty: the recipe's.
        equal_samples: where a setting changes the batch, its steps change so that all see as many samples.
        floors_once: the floors are those of the first run of a seed: no setting changes them.
    """

    recipe: str
    overrides: tuple[str, ...]
    methods: tuple[str, ...]
    settings: tuple[tuple[str, ...], ...] = ((),)
    seeds: int = 1
    steps: Mapping[str, int] = field(default_factory=dict)
    equal_samples: bool = False
    floors_once: bool = False

    def cells(self) -> list[Cell]:
        """The runs: all settings and methods of a seed before the next seed."""
        own = self.load().recipe
        seeds, found = range(own.seed, own.seed + self.seeds), list[Cell]()
        for seed, setting, method in product(seeds, self.settings, self.methods):
            overrides = [*self.overrides, *_objective(method, own.objective.name)]
            if steps := self.steps.get(method):
                overrides += ["train.epochs=null", f"train.steps={steps}"]
            overrides += setting
            if self.equal_samples and own.train.steps:
                batch = load_recipe(self.recipe, overrides, command="vicreg compare").recipe.train.batch_size
                overrides.append(f"train.steps={max(1, own.train.steps * own.train.batch_size // batch)}")
            found.append(Cell(method, ", ".join(setting), seed, (*overrides, f"seed={seed}")))
        return found

    def load(self, cell: Cell | None = None) -> LoadedRecipe:
        """The recipe itself, or that of a run.

        Raises:
            RecipeError: all mistakes in it.
        """
        overrides = self.overrides if cell is None else cell.overrides
        return load_recipe(self.recipe, overrides, command="vicreg compare")

    def mark(self) -> str:
        """Identifies the recipe that is studied, apart from its seed and what the study varies."""
        return fingerprint(self.load().recipe)


def _objective(method: str, own: str) -> Iterator[str]:
    """The overrides that make a method the recipe's objective; its own weights stay where it has it."""
    objectives, *keys = method.split("@")
    (_, first), *others = _terms(objectives)
    if first != own:
        yield f"objective={json.dumps({'name': first})}"
    if others:
        also = [{"name": name, "weight": weight} for weight, name in others]
        yield f"objective.also={json.dumps(also)}"
    for key in keys:
        if "=" not in key:
            raise RecipeError(f"--methods: after @ in {method!r}: expected KEY=VALUE, got {key!r}")
        yield key.strip()


def _terms(method: str) -> list[tuple[float, str]]:
    """Weight and name of each objective in a sum.

    Raises:
        RecipeError: it is no such sum.
    """
    found: list[tuple[float, str]] = []
    for part in method.split("+"):
        match = _ADDED.fullmatch(part.strip())
        try:
            weight = float(match["weight"] or 1) if match else 0.0
        except ValueError:
            weight = 0.0
        if match is None or not weight > 0 or (not found and match["weight"]):
            raise RecipeError(
                f"--methods: {method!r} is no sum of objectives; expected a name such as core/vicreg, or "
                "core/vicreg+0.1*core/info-nce, whose first has no weight, and @KEY=VALUE behind it for keys "
                "of its own"
            )
        found.append((weight, match["name"]))
    return found


def variation(text: str) -> Variation:
    """``KEY=V1,V2`` as a user writes it; values in brackets or quotes keep their commas.

    >>> variation("optimizer.lr=1e-3,3e-3")
    Variation(key='optimizer.lr', values=('1e-3', '3e-3'))
    >>> variation("projector.dims=[512,512],[2048]").values
    ('[512,512]', '[2048]')

    Raises:
        RecipeError: there is no key, or fewer than two values.
    """
    key, equals, rest = text.partition("=")
    values = split(rest)
    if not equals or not key or len(values) < 2 or len(set(values)) < len(values):
        raise RecipeError(f"--vary: expected KEY=VALUE,VALUE with values unlike each other, got {text!r}")
    return Variation(key, tuple(values))


def split(text: str) -> Sequence[str]:
    """At commas that are in no bracket; what is empty is left out."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]
