"""Every conformance test of a plugin in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vicreg_core.plugins.component import Component, Kind
from vicreg_core.plugins.registry import load_registry
from vicreg_core.testing.augmentation import AugmentationConformance
from vicreg_core.testing.dataset import DatasetConformance
from vicreg_core.testing.encoder import EncoderConformance
from vicreg_core.testing.objective import ObjectiveConformance
from vicreg_core.testing.plugin import PluginConformance
from vicreg_core.testing.protocol import ProtocolConformance
from vicreg_core.testing.requirement import NonConforming

_TESTS_OF: Mapping[Kind, type] = {
    "encoder": EncoderConformance,
    "augmentation": AugmentationConformance,
    "dataset": DatasetConformance,
    "objective": ObjectiveConformance,
    "protocol": ProtocolConformance,
}


def check_plugin(
    plugin: str, settings: Mapping[str, Mapping[str, Any]] | None = None, *, overrides: tuple[str, ...] = ()
) -> int:
    """Run the conformance tests of a plugin and of every component it has, save exports.

    >>> check_plugin("signals", {"signals/csv": {"options": {"path": "a.csv"}}})  # doctest: +SKIP
    31

    Args:
        plugin: its name.
        settings: attributes of the test class of a component, by the component's name, where a recipe of the
            plugin does not say enough: ``recipe``, ``options``, ``overrides``, and ``lr`` for an encoder.
        overrides: ``key.path=value``, for the plugin's own recipes in all tests.

    Returns:
        How many tests passed.

    Raises:
        NonConforming: listing every test that failed, by component.
    """
    settings = dict(settings or {})
    suites: list[tuple[str, type]] = [
        (f"plugin {plugin}", type("Plugin", (PluginConformance,), {"plugin": plugin, "overrides": overrides}))
    ]
    status = load_registry().status_of(plugin)
    for component in status.components if status else ():
        if base := _TESTS_OF.get(component.kind):
            given = _attributes(component, overrides) | dict(settings.pop(component.name, {}))
            suites.append((f"{component.kind} {component.name}", type("Component", (base,), given)))
    if settings:
        raise ValueError(f"settings name what {plugin!r} does not have: {', '.join(settings)}")
    passed, failures = 0, list[str]()
    for subject, suite in suites:
        for name, test in _tests(suite):
            try:
                test()
                passed += 1
            except Exception as error:
                failures.append(f"{subject}: {name.removeprefix('test_')}\n    {_said(error)}")
    if failures:
        total = passed + len(failures)
        raise NonConforming("\n".join([f"{len(failures)} of {total} tests failed", *failures]))
    return passed


def _attributes(component: Component, overrides: tuple[str, ...]) -> dict[str, Any]:
    own = {"component": component.name}
    return own if component.kind == "objective" else {**own, "overrides": overrides}


def _tests(suite: type) -> Iterator[tuple[str, Callable[[], None]]]:
    instance = suite()
    for name in dir(suite):
        if name.startswith("test_"):
            yield name, getattr(instance, name)


def _said(error: Exception) -> str:
    text = str(error) if isinstance(error, NonConforming) else f"{type(error).__name__}: {error}"
    return text.replace("\n", "\n    ")
