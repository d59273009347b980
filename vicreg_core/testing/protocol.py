"""The conformance tests of evaluation protocols."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import torch

from vicreg_core.data.draw import limited
from vicreg_core.data.splits import open_data
from vicreg_core.errors import VicregError
from vicreg_core.evaluation.metrics.finite import finite
from vicreg_core.evaluation.protocols.registry import Protocol
from vicreg_core.evaluation.subjects.bench import Bench as Samples
from vicreg_core.evaluation.subjects.subject import Subject
from vicreg_core.evaluation.verdict import interval_of
from vicreg_core.plugins.loading import load_config, load_target
from vicreg_core.plugins.registry import Registry, load_registry
from vicreg_core.recipes.catalogue import shipped_recipes
from vicreg_core.recipes.load import load_recipe
from vicreg_core.recipes.validation import parse
from vicreg_core.testing.base import own_recipe
from vicreg_core.testing.bench import Bench
from vicreg_core.testing.requirement import require

_SAMPLES = 120


class ProtocolConformance:
    """What an evaluation relies on in a protocol: inherit, and name it in :attr:`component`.

    The protocol scores some samples of a recipe, encoded by an encoder that nobody trained: those of
    :attr:`recipe`, or else of the plugin's quickstart, or, where the plugin has no recipe, of another
    plugin's. Where it has no score for data of that kind, it may
    say so: in ``skipped``, or by raising a ``VicregError``.
    """

    component: ClassVar[str]
    """Full name, e.g. ``"signals/pairs"``."""
    recipe: ClassVar[str | None] = None
    """The recipe whose samples are scored: a shipped name or a path."""
    options: ClassVar[Mapping[str, Any]] = {}
    """The protocol's own keys."""
    overrides: ClassVar[tuple[str, ...]] = ()
    """Further ``key.path=value`` of the recipe, e.g. to make its data small."""

    def test_its_options_have_defaults(self) -> None:
        """A recipe may name it without any."""
        model = load_config(load_registry().get("protocol", self.component))
        required = [name for name, key in model.model_fields.items() if key.is_required()] if model else []
        require(not required, f"options without a default: {', '.join(required)}")

    def test_it_says_whether_it_needs_labels(self) -> None:
        """``needs_labels`` is true or false; where false, data without labels is scored or skipped."""
        needs = self._built().needs_labels
        require(isinstance(needs, bool), f"needs_labels is {needs!r}, expected True or False")
        if not needs:
            given = self._samples.encoder("encoder", self._encoder)
            train, test = given.train, given.test
            bare = dataclasses.replace(train, labels=None)
            unlabelled = dataclasses.replace(given, train=bare, classes=())
            if test is not None:
                unlabelled = dataclasses.replace(unlabelled, test=dataclasses.replace(test, labels=None))
            self._score(unlabelled)

    def test_a_result_is_json_with_headlines(self) -> None:
        """``metric``, the value under that name, ``interval`` and ``n``; or ``rows`` of these, each named."""
        result = finite(self._score(self._samples.encoder("encoder", self._encoder)))
        json.dumps(result, allow_nan=False)
        if "skipped" in result:
            require(isinstance(result["skipped"], str), "skipped says why in words")
            return
        rows = result.get("rows", [result])
        for row in rows:
            _check_headline(row)
        names = [row.get("name") for row in rows] if "rows" in result else []
        unnamed = any(not isinstance(name, str) or not name for name in names)
        require(not unnamed and len(set(names)) == len(names), f"names of the rows: {names}")

    def test_the_same_features_give_the_same_result(self) -> None:
        """Every random choice hangs on the subject's seed."""
        first, second = (self._score(self._samples.encoder("encoder", self._encoder)) for _ in range(2))
        changed = [key for key in first if json.dumps(first[key]) != json.dumps(second.get(key))]
        require(not changed, f"scored twice, there is another {', '.join(changed)}")

    def test_features_of_no_encoder_are_scored_or_skipped(self) -> None:
        """The floor of raw features can neither encode nor make views, nor be trained."""
        given = self._samples.encoder("encoder", self._encoder)
        self._score(
            dataclasses.replace(
                given,
                name="raw_features",
                encode=None,
                views=None,
                corrupted=None,
                trainable=None,
            )
        )

    @cached_property
    def _parts(self) -> Bench:
        registry = load_registry()
        registry.get("protocol", self.component)
        recipe = self.recipe or _some_recipe(self.component.partition("/")[0], registry)
        return Bench(load_recipe(recipe, self.overrides, registry=registry), registry)

    @cached_property
    def _samples(self) -> Samples:
        loaded = self._parts.loaded
        data, held = open_data(loaded.recipe.data, loaded.configs["dataset"], loaded.recipe.seed)
        return Samples(
            train=limited(data, _SAMPLES, 0),
            test=None if held is None else limited(held, _SAMPLES, 0),
            augmentation=self._parts.augmentation,
            device=torch.device("cpu"),
            workers=0,
        )

    @cached_property
    def _encoder(self) -> Any:
        return self._parts.build_encoder().eval()

    def _built(self) -> Protocol:
        component = load_registry().get("protocol", self.component)
        model = load_config(component)
        built: Protocol = load_target(component)(parse(model, dict(self.options)) if model else None)
        return built

    def _score(self, subject: Subject) -> dict[str, Any]:
        """The result, or what stands for it where the protocol cannot score such data."""
        protocol, test = self._built(), subject.test
        lacking = subject.train.labels is None or test is None or test.labels is None
        if protocol.needs_labels and lacking:
            return {"skipped": "the data of this recipe has no labels"}
        try:
            result = protocol(subject)
        except VicregError as error:
            return {"skipped": str(error)}
        require(isinstance(result, dict), f"a result is a {type(result).__name__}, expected a dict")
        return result


def _some_recipe(plugin: str, registry: Registry) -> str:
    with_recipes = {file.label.partition("/")[0] for file in shipped_recipes(registry)}
    return own_recipe(plugin if plugin in with_recipes else min(with_recipes, default=plugin), registry)


def _check_headline(row: Mapping[str, Any]) -> None:
    metric = row.get("metric")
    require(isinstance(metric, str) and metric in row, f"no value of {metric!r}: there are {', '.join(row)}")
    value, n = row[str(metric)], row.get("n")
    number = value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
    require(number, f"{metric} is {value!r}, expected a number")
    require(isinstance(n, int), f"n is {n!r}, expected the number of samples that {metric} is over")
    bounds = interval_of(row)
    if bounds is not None and value is not None:
        low, high = bounds
        require(low <= high, f"the interval of {metric} runs from {low:.4g} down to {high:.4g}")
