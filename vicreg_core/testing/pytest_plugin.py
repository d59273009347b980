"""Fixtures that pytest finds wherever vicreg-suite is installed; nothing of it is imported before use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from vicreg_core.plugins import ComponentSpec
    from vicreg_core.plugins.registry import Registry
    from vicreg_core.plugins.status import PluginStatus

    TemporaryPlugin = Callable[..., PluginStatus]


@pytest.fixture
def isolated_registry() -> Iterator[Registry]:
    """The registry of this test: the plugin ``core`` alone, discovery blocked."""
    from vicreg_core.testing.temporary import core_registry, registry_in_use

    with registry_in_use(core_registry()) as registry:
        yield registry


@pytest.fixture
def temporary_plugin(
    isolated_registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TemporaryPlugin]:
    """Installs a plugin for the length of the test: ``temporary_plugin("mine", [EncoderSpec(...)])``."""
    from vicreg_core.testing import temporary

    with ExitStack() as stack:

        def install(
            name: str, specs: Sequence[ComponentSpec] = (), recipes: Mapping[str, str] | None = None
        ) -> PluginStatus:
            folder = tmp_path_factory.mktemp("plugin")
            return stack.enter_context(temporary.temporary_plugin(folder, name, specs, recipes))

        yield install


@pytest.fixture
def run_recipe(tmp_path: Path) -> Callable[..., Path]:
    """Trains a recipe into the test's folder: ``run_recipe("mine/quickstart", "train.epochs=1")``."""
    from vicreg_core.testing import running

    def run(recipe: str, *overrides: str, evaluate: bool = False) -> Path:
        number = len(list(tmp_path.glob("run-*")))
        return running.run_recipe(recipe, overrides, out=tmp_path / f"run-{number}", evaluate=evaluate)

    return run
