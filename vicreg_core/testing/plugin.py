"""The conformance tests of a plugin as a whole."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ValidationError

from vicreg_core.authoring.check import check_plugin
from vicreg_core.plugins.component import Component
from vicreg_core.plugins.loading import load_config
from vicreg_core.plugins.registry import load_registry
from vicreg_core.plugins.status import PluginStatus
from vicreg_core.runs.metrics import read_metrics
from vicreg_core.testing.base import own_recipe
from vicreg_core.testing.requirement import require
from vicreg_core.testing.running import run_recipe

HEAVY = frozenset(
    {"datasets", "matplotlib", "monai", "numpy", "pandas", "PIL", "pyarrow", "scipy", "sklearn"}
    | {"tokenizers", "torch", "torchvision", "transformers"}
)
"""What the module of hook implementations must not import: every command would pay for it."""


class PluginConformance:
    """What the suite relies on in a plugin: inherit, and name it in :attr:`plugin`."""

    plugin: ClassVar[str]
    """The entry point's name."""
    recipe: ClassVar[str | None] = None
    """The recipe to train a few steps of; default: the quickstart."""
    overrides: ClassVar[tuple[str, ...]] = ()
    """Changes to that recipe, e.g. to make its data small."""
    steps: ClassVar[int] = 4
    """How many steps."""

    def test_its_module_imports_nothing_heavy(self) -> None:
        """In a process of its own, since this one has imported everything."""
        module = self._status().module
        code = f"import sys, importlib; importlib.import_module({module!r}); print(*sorted(sys.modules))"
        path = os.pathsep.join(filter(None, sys.path))
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        require(done.returncode == 0, f"importing {module} alone fails:\n{done.stderr}")
        heavy = sorted(HEAVY.intersection(done.stdout.split()))
        require(not heavy, f"{module} imports {', '.join(heavy)}, which slows every vicreg command down")

    def test_all_it_names_is_there(self) -> None:
        """What ``vicreg plugin check`` checks: targets, configs, recipes."""
        status, registry = self._status(), load_registry()
        problems = [
            f"{found.subject}: {found.problem}"
            for found in check_plugin(status, registry)
            if found.problem and not found.subject.startswith("recipe ")
        ]
        require(not problems, "\n".join(problems))

    def test_its_recipes_have_no_mistakes(self) -> None:
        """Every recipe that it ships passes ``vicreg recipe check``."""
        problems = [
            f"{found.subject}: {found.problem}"
            for found in check_plugin(self._status(), load_registry())
            if found.problem and found.subject.startswith("recipe ")
        ]
        require(not problems, "\n".join(problems))

    def test_unknown_keys_are_refused(self) -> None:
        """A misspelt key must not train with its default instead."""
        accepting = [component.name for component, model in self._configs() if _accepts_unknown(model)]
        require(not accepting, f"unknown keys are accepted by the config of {', '.join(accepting)}")

    def test_a_recipe_runs(self) -> None:
        """A few steps, saved and loaded; a plugin may have no recipes."""
        from vicreg_core import load

        if self.recipe is None and self._status().recipes is None:
            return
        recipe = self.recipe or own_recipe(self.plugin, load_registry())
        few = ("train.epochs=null", f"train.steps={self.steps}", "train.log_every=1")
        with tempfile.TemporaryDirectory(prefix="vicreg-") as folder:
            run = run_recipe(recipe, (*self.overrides, *few), out=Path(folder, "run"))
            losses = [line["loss"] for line in read_metrics(run / "metrics.jsonl").records]
            require(
                len(losses) == self.steps and all(map(math.isfinite, losses)), f"{recipe}: losses {losses}"
            )
            require(load(run).encoder.embedding_dim > 0, f"{recipe}: the trained encoder has no width")

    def _status(self) -> PluginStatus:
        registry = load_registry()
        status = registry.status_of(self.plugin)
        if status is None:
            names = ", ".join(each.name for each in registry.statuses)
            require(False, f"no plugin {self.plugin!r} is installed (installed: {names})")
            raise AssertionError
        require(status.problem is None, f"{status.problem}")
        return status

    def _configs(self) -> Iterator[tuple[Component, type[BaseModel]]]:
        for component in self._status().components:
            if not component.missing and (model := load_config(component)):
                yield component, model


def _accepts_unknown(model: type[BaseModel]) -> bool:
    key = "no_such_key_anywhere"
    try:
        model.model_validate({key: 1})
    except ValidationError as error:
        return not any(each["loc"] == (key,) for each in error.errors())
    return True
