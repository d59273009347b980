"""Every planted defect at once, beside the example plugin, seen through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.broken_plugins.defects import DEFECTS
from tests.broken_plugins.planting import plant, plant_example, vicreg

LACKS_EXTRA = """
from vicreg_core.plugins import EncoderSpec, hookimpl

@hookimpl
def vicreg_encoders():
    return [
        EncoderSpec(
            name="net", target="m:Net", summary="a net", requires=("a_module_nobody_has",), extra="dist[net]"
        )
    ]
"""

BROKEN_CONFIG = """
from vicreg_core.plugins import EncoderSpec, hookimpl

@hookimpl
def vicreg_encoders():
    return [EncoderSpec(name="net", target="m:Net", config="broken_config_model:Net", summary="a net")]
"""

RECIPE = """
data: {{name: signals/waveforms}}
augmentation: {{name: signals/standard}}
encoder: {{name: {encoder}}}
train: {{steps: 1}}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    plant_example(folder)
    for defect in DEFECTS:
        defect.plant(folder)
    for number in (1, 2):
        plant(folder, f"dist-same-{number}", {"same": f"same_{number}"}, {f"same_{number}": ""})
    plant(folder, "dist-lacking", {"lacking": "lacking"}, {"lacking": LACKS_EXTRA})
    modules = {"config": BROKEN_CONFIG, "broken_config_model": "raise RuntimeError('no model today')"}
    plant(folder, "dist-config", {"config": "config"}, modules)
    plant(folder, "dist-heavy", {"heavy": "heavy"}, {"heavy": "import numpy\nprint('hello')\n"})
    return folder


@pytest.fixture(scope="module")
def listed(site: Path) -> dict[str, dict]:
    done = vicreg(site, "plugin", "list", "--json")
    assert done.returncode == 0, done.stderr
    return {record["name"]: record for record in json.loads(done.stdout)}


def check_recipe(site: Path, encoder: str):
    site.joinpath("mine.yaml").write_text(RECIPE.format(encoder=encoder))
    return vicreg(site, "recipe", "check", "mine.yaml")


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_the_list_tells_each_defect_apart(listed, defect):
    record = listed[defect.plugin]
    assert record["status"] == defect.state
    assert defect.says in record["error"]


def test_the_list_tells_the_other_conditions_apart(listed):
    assert listed["same"]["status"] == "duplicate"
    assert "dist-same-1 1.0 and dist-same-2 1.0" in listed["same"]["error"]
    assert listed["lacking"]["status"] == "missing-extra"
    assert listed["lacking"]["install"] == ["pip install 'dist[net]'"]
    assert listed["heavy"]["status"] == "ready"
    assert listed["heavy"]["notes"] == ["heavy imports numpy, which slows every command down"]


def test_everything_else_works(site, listed):
    assert {listed[name]["status"] for name in ("core", "vision", "text", "biomedical")} <= {
        "ready",
        "missing-extra",
    }
    assert listed["signals"]["status"] == "ready"
    assert listed["signals"]["components"]["encoder"] == ["signals/conv"]
    recipes = vicreg(site, "recipe", "list")
    assert recipes.returncode == 0
    assert "signals/quickstart" in recipes.stdout
    assert check_recipe(site, "signals/conv").returncode == 0


def test_a_recipe_that_needs_a_broken_plugin_gets_its_error(site):
    done = check_recipe(site, "broken-hook/net")
    assert done.returncode == 2
    said = done.stdout + done.stderr
    assert "mine.yaml:4" in said
    assert "vicreg_encoders() raised ZeroDivisionError: division by zero" in said
    assert "Traceback" not in said


def test_a_recipe_that_needs_an_extra_says_how_to_install_it(site):
    done = check_recipe(site, "lacking/net")
    assert done.returncode == 2
    assert "pip install 'dist[net]'" in done.stdout + done.stderr


def test_a_recipe_whose_component_cannot_be_configured_names_the_distribution(site, listed):
    assert listed["config"]["status"] == "ready"
    done = check_recipe(site, "config/net")
    assert done.returncode == 2
    said = done.stdout + done.stderr
    assert "a bug in dist-config 1.0: 'broken_config_model:Net' of encoder 'config/net'" in said
    assert "RuntimeError: no model today" in said


def test_the_table_shows_what_is_wrong_without_a_traceback(site):
    done = vicreg(site, "plugin", "list")
    assert done.returncode == 0
    assert "lacking: lacks a_module_nobody_has: pip install 'dist[net]'" in done.stdout
    assert "broken-import: importing broken_import raised RuntimeError: the moon is full" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_strict_stops_at_the_first_defect(site):
    done = vicreg(site, "plugin", "list", VICREG_STRICT_PLUGINS="1")
    assert done.returncode == 2
    assert "plugin 'broken-argument' (dist-broken-argument 1.0) is not usable" in done.stderr


def test_selection_keeps_the_others_out(site):
    done = vicreg(site, "plugin", "list", "--json", VICREG_PLUGINS="signals")
    states = {record["name"]: record["status"] for record in json.loads(done.stdout)}
    assert states.pop("signals") == "ready"
    assert set(states.values()) == {"disabled"}
