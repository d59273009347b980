from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.broken_plugins.planting import entry_points_in, plant, plant_example
from vicreg_core.authoring.check import check_plugin
from vicreg_core.plugins.discovery import discover
from vicreg_core.plugins.registry import Registry, load_registry

PLUGIN = """
from vicreg_core.plugins import EncoderSpec, RecipeFolder, hookimpl

@hookimpl
def vicreg_encoders():
    return [EncoderSpec(name="net", target="{target}", config="{config}", summary="a net")]

@hookimpl
def vicreg_recipes():
    return [RecipeFolder(package="checked_parts", folder="{folder}")]
"""
PARTS = """
from pydantic import BaseModel
from vicreg_core.recipes.schema import StrictModel

class Net:
    def __init__(self, config, info): ...

class Config(StrictModel): ...
class Lax(BaseModel): ...
def one_argument(config): ...
"""
BAD_RECIPE = "augmentation: {name: mine/views}\nencoder: {name: mine/nett}\ntrain: {steps: 1, epoch: 2}\n"


@pytest.fixture
def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Checks a plugin ``mine`` made of good parts, but for what is given."""
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "checked_parts"
    package.joinpath("recipes").mkdir(parents=True)
    package.joinpath("__init__.py").write_text(PARTS)

    def check(recipe: str | None = None, **given: str) -> dict[str, str]:
        parts = {
            "target": "checked_parts:Net",
            "config": "checked_parts:Config",
            "folder": "recipes",
            **given,
        }
        plant(tmp_path, "dist-mine", {"mine": "checked_plugin"}, {"checked_plugin": PLUGIN.format(**parts)})
        if recipe:
            package.joinpath("recipes", "bad.yaml").write_text(recipe)
        registry = Registry(discover(entry_points_in(tmp_path)))
        found = check_plugin(registry.status_of("mine"), registry)
        return {finding.subject: finding.problem for finding in found if finding.problem}

    yield check
    sys.modules.pop("checked_plugin", None)
    sys.modules.pop("checked_parts", None)


def test_good_parts_pass(problems):
    assert problems() == {}


@pytest.mark.parametrize(
    ("given", "subject", "says"),
    [
        ({"target": "checked_parts:Nett"}, "encoder mine/net: target", "has no attribute 'Nett'"),
        (
            {"target": "checked_parts:one_argument"},
            "encoder mine/net: target",
            "cannot be called with (config, info): too many positional arguments",
        ),
        ({"config": "checked_parts:Nett"}, "encoder mine/net: config", "has no attribute 'Nett'"),
        ({"config": "checked_parts:Net"}, "encoder mine/net: config", "is not a pydantic model"),
        ({"config": "checked_parts:Lax"}, "encoder mine/net: config", "does not forbid unknown keys"),
        ({"folder": "recipies"}, "plugin module", "there is no folder 'recipies' in 'checked_parts'"),
        ({"recipe": BAD_RECIPE}, "recipe mine/bad", "did you mean 'mine/net'?"),
        ({"recipe": BAD_RECIPE}, "recipe mine/bad", "train.epoch: unknown key; did you mean 'epochs'?"),
    ],
)
def test_each_mistake_is_found_and_nothing_else(problems, given, subject, says):
    found = problems(**given)
    assert list(found) == [subject]
    assert says in found[subject]


def test_the_example_plugin_passes(tmp_path, monkeypatch):
    plant_example(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (status,) = discover(entry_points_in(tmp_path))
    others = [other for other in load_registry().statuses if other.name != "signals"]
    found = check_plugin(status, Registry([*others, status]))
    assert [finding.problem for finding in found if finding.problem] == []
    assert "recipe signals/quickstart" in [finding.subject for finding in found]
