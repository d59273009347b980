"""The fixtures that a plugin's author gets from pytest, and what loading them costs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.broken_plugins.planting import environment_with
from tests.testing.test_planted_defects import RECIPE, SPECS
from vicreg_core.plugins.registry import load_registry


def test_the_isolated_registry_has_the_core_alone_and_goes_away(isolated_registry):
    assert load_registry() is isolated_registry
    assert [status.name for status in isolated_registry.statuses] == ["core"]


def test_outside_of_the_fixture_everything_is_there():
    assert {"core", "vision"} <= {status.name for status in load_registry().statuses}


@pytest.mark.slow
def test_a_temporary_plugin_trains_a_recipe(temporary_plugin, run_recipe):
    temporary_plugin("toy", list(SPECS.values()), {"quickstart": RECIPE})
    first, second = run_recipe("toy/quickstart"), run_recipe("toy/quickstart", "seed=1", evaluate=True)
    assert first != second
    assert (first / "model" / "model.safetensors").is_file()
    assert json.loads((second / "evaluation.json").read_text())["protocols"].keys() == {"knn"}
    assert (second / "report.html").is_file()


def test_a_temporary_plugin_that_is_broken_says_so(temporary_plugin):
    with pytest.raises(Exception, match="names 'net' more than once"):
        temporary_plugin("toy", [SPECS["encoder"]] * 2)
    assert [status.name for status in load_registry().statuses] == ["core"]


@pytest.mark.parametrize("module", ["vicreg_core.testing", "vicreg_core.testing.pytest_plugin"])
def test_loading_the_pytest_plugin_imports_nothing_heavy(module, tmp_path):
    code = f"import sys, {module}; print(*sorted({{'torch', 'numpy', 'pydantic'}} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment_with(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []
