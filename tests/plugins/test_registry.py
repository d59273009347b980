from __future__ import annotations

import pytest

from vicreg_core.errors import PluginError
from vicreg_core.plugins import AugmentationSpec, EncoderSpec
from vicreg_core.plugins import registry as registry_module
from vicreg_core.plugins.component import Component
from vicreg_core.plugins.registry import Registry, load_registry
from vicreg_core.plugins.status import PluginState, PluginStatus

NET = EncoderSpec(name="net", target="m:Net", summary="a net")
LACKING = EncoderSpec(
    name="big", target="m:Big", summary="a net", requires=("a_module_nobody_has",), extra="dist-mine[big]"
)
VIEWS = AugmentationSpec(name="views", target="m:Views", summary="views")


def status(name: str, state: PluginState = PluginState.READY, **fields) -> PluginStatus:
    return PluginStatus(name=name, distribution=f"dist-{name}", version="1.0", state=state, **fields)


@pytest.fixture
def registry(tmp_path) -> Registry:
    components = tuple(
        Component(kind, f"mine/{spec.name}", "dist-mine 1.0", spec)
        for kind, spec in (("encoder", NET), ("encoder", LACKING), ("augmentation", VIEWS))
    )
    return Registry(
        [
            status("broken", PluginState.HOOK_FAILED, error="vicreg_encoders() raised OSError: no"),
            status("mine", PluginState.DUPLICATE, error="the name 'mine' is claimed by two"),
            status("mine", PluginState.MISSING_EXTRA, components=components, recipes=tmp_path),
        ]
    )


def test_components_are_found_by_kind_and_full_name(registry):
    assert registry.names("encoder") == ["mine/big", "mine/net"]
    assert registry.names("dataset") == []
    assert registry.specs("augmentation")["mine/views"].spec is VIEWS
    assert registry.get("encoder", "mine/net").target == "m:Net"
    assert set(registry.recipe_folders()) == {"mine"}


def test_a_component_of_a_broken_plugin_gets_the_error_of_that_plugin(registry):
    problem = registry.problem_of("broken")
    assert problem == (
        "plugin 'broken' (dist-broken 1.0) is not usable: vicreg_encoders() raised OSError: no"
    )
    with pytest.raises(PluginError) as caught:
        registry.get("encoder", "broken/net")
    assert str(caught.value) == f"encoder 'broken/net' cannot be used: {problem}"


def test_a_usable_plugin_is_not_blamed_for_another_of_its_name(registry):
    assert registry.problem_of("mine") is None
    assert registry.problem_of("nobody") is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "mine/nett",
            r"unknown encoder 'mine/nett'; did you mean 'mine/net'\? \(there are: mine/big, mine/net\)",
        ),
        ("mien/net", r"no plugin 'mien' is installed; did you mean 'mine'\? \(installed: broken, mine\)"),
        ("mine/views", "'mine/views' is of kind augmentation, where one of kind encoder is expected"),
        ("mine/big", r"needs a_module_nobody_has, which is not installed: pip install 'dist-mine\[big\]'"),
    ],
)
def test_a_name_that_cannot_be_had_is_explained(registry, name, message):
    with pytest.raises(PluginError, match=message):
        registry.get("encoder", name)


def test_the_registry_of_the_process_is_made_once_and_again_on_demand(monkeypatch):
    monkeypatch.setattr(registry_module, "_cached", None)
    monkeypatch.setenv("VICREG_PLUGINS", "core, vision")
    first = load_registry()
    assert {s.name for s in first.statuses if s.state is not PluginState.DISABLED} == {"core", "vision"}
    monkeypatch.delenv("VICREG_PLUGINS")
    assert load_registry() is first
    second = load_registry(refresh=True)
    assert all(s.state is not PluginState.DISABLED for s in second.statuses)
