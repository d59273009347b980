from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path

import pytest

from tests.broken_plugins.defects import DEFECTS, Defect
from tests.broken_plugins.planting import entry_points_in, plant
from vicreg_core.errors import PluginError
from vicreg_core.plugins.discovery import discover
from vicreg_core.plugins.status import PluginState

GOOD = """
from vicreg_core.plugins import EncoderSpec, hookimpl

@hookimpl
def vicreg_encoders():
    return [EncoderSpec(name="net", target="good:Net", summary="a net")]
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path for planted plugins, whose modules are forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for module in set(sys.modules) - before:
        if (tmp_path / f"{module}.py").exists():
            del sys.modules[module]


def plant_good(site: Path, name: str = "good", source: str = GOOD) -> None:
    plant(site, f"dist-{name}", {name: f"plugin_{name}"}, {f"plugin_{name}": source})


def only_status(site: Path):
    (status,) = discover(entry_points_in(site))
    return status


def test_a_good_plugin_is_ready_and_its_components_carry_its_name(site):
    plant_good(site)
    status = only_status(site)
    assert (status.name, status.distribution, status.version) == ("good", "dist-good", "1.0")
    assert status.state is PluginState.READY
    assert status.problem is None
    assert [(c.kind, c.name, c.target) for c in status.components] == [("encoder", "good/net", "good:Net")]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_each_defect_is_told_apart_and_breaks_nothing_else(site, defect: Defect):
    defect.plant(site)
    plant_good(site)
    broken, good = discover(entry_points_in(site))
    assert broken.state is defect.state
    assert defect.says in broken.error
    assert f"dist-{defect.plugin} 1.0" in broken.problem
    assert broken.components == ()
    assert good.state is PluginState.READY


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_strict_raises_what_would_have_been_recorded(site, defect: Defect):
    defect.plant(site)
    with pytest.raises(PluginError) as caught:
        discover(entry_points_in(site), strict=True)
    assert defect.says in str(caught.value)


def test_an_interrupt_is_not_swallowed(site):
    plant_good(site, source="raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        discover(entry_points_in(site))


def test_a_name_claimed_twice_is_refused_and_both_claimants_named(site):
    for distribution in ("first", "second"):
        plant(site, distribution, {"same": f"plugin_{distribution}"}, {f"plugin_{distribution}": GOOD})
    for status in discover(entry_points_in(site)):
        assert status.state is PluginState.DUPLICATE
        assert "claimed by first 1.0 and second 1.0" in status.error
    assert not {"plugin_first", "plugin_second"} & set(sys.modules)


def test_no_package_takes_a_name_from_the_suite(site):
    plant(site, "vicreg-suite", {"vision": "plugin_ours"}, {"plugin_ours": GOOD})
    plant(site, "a-stranger", {"vision": "plugin_theirs"}, {"plugin_theirs": GOOD})
    theirs, ours = discover(entry_points_in(site))
    assert ours.state is PluginState.READY
    assert theirs.state is PluginState.DUPLICATE
    assert "a-stranger 1.0 and vicreg-suite 1.0" in theirs.error


def test_a_name_that_no_recipe_could_write_is_refused(site):
    plant(site, "dist-odd", {"My Plugin": "plugin_odd"}, {"plugin_odd": GOOD})
    status = only_status(site)
    assert status.state is PluginState.INVALID
    assert "lower-case letters" in status.error


def test_a_distribution_that_lost_its_metadata_is_still_listed(site):
    for number in (1, 2):
        plant(site, f"lost-{number}", {"lost": "plugin_lost"}, {"plugin_lost": GOOD})
        site.joinpath(f"lost_{number}-1.0.dist-info", "METADATA").unlink()
    first, second = discover(entry_points_in(site))
    assert (first.name, first.distribution) == (second.name, second.distribution)
    assert first.distribution == "unknown distribution"


def test_plugins_left_out_are_not_imported(site):
    plant_good(site, "wanted")
    plant_good(site, "unwanted", source="raise SystemExit")
    unwanted, wanted = discover(entry_points_in(site), selected=["wanted"], strict=True)
    assert unwanted.state is PluginState.DISABLED
    assert "VICREG_PLUGINS=wanted leaves it out" in unwanted.problem
    assert wanted.state is PluginState.READY
    assert "plugin_unwanted" not in sys.modules


def test_selecting_a_plugin_that_is_not_installed_is_an_error(site):
    plant_good(site)
    with pytest.raises(PluginError, match=r"VICREG_PLUGINS names 'goood'.*did you mean 'good'"):
        discover(entry_points_in(site), selected=["goood"])


def test_a_missing_extra_leaves_the_plugin_listed_with_the_line_to_install_it(site):
    more = "requires=('a_module_nobody_has', 'json'), extra='dist-good[net]'"
    plant_good(site, source=GOOD.replace('summary="a net"', f'summary="a net", {more}'))
    status = only_status(site)
    assert status.state is PluginState.MISSING_EXTRA
    assert status.problem is None
    assert status.missing == ("a_module_nobody_has",)
    assert status.install == ("pip install 'dist-good[net]'",)


def test_a_folder_does_not_pass_for_a_library_of_its_name(site):
    site.joinpath("some_library").mkdir()
    more = "requires=('some_library',), extra='some-library'"
    plant_good(site, source=GOOD.replace('summary="a net"', f'summary="a net", {more}'))
    assert only_status(site).missing == ("some_library",)


def test_an_optional_hook_of_a_later_suite_is_accepted(site):
    later = "\n@hookimpl(optionalhook=True)\ndef vicreg_dreams():\n    raise RuntimeError\n"
    plant_good(site, source=GOOD + later)
    assert only_status(site).state is PluginState.READY


def test_what_an_import_does_to_logging_and_warnings_is_undone_and_noted(site, capsys):
    rude = "import logging, warnings\nlogging.getLogger().handlers.clear()\nwarnings.showwarning = print\n"
    plant_good(site, source=rude + "print('hello')\n" + GOOD)
    handlers, show_warning = list(logging.getLogger().handlers), warnings.showwarning
    assert handlers, "pytest's own handlers are what the plugin clears"
    status = only_status(site)
    assert logging.getLogger().handlers == handlers
    assert warnings.showwarning is show_warning
    assert "root logger" in status.notes[0]
    assert "warnings.showwarning" in status.notes[1]
    assert capsys.readouterr() == ("", "hello\n")


RECIPES = """
from vicreg_core.plugins import RecipeFolder, hookimpl

@hookimpl
def vicreg_recipes():
    return [RecipeFolder(package="package_with_recipes", checkout="../elsewhere")]
"""


@pytest.mark.parametrize("folder", ["package_with_recipes/recipes", "elsewhere"])
def test_recipes_are_found_without_importing_their_package(site, folder):
    site.joinpath("package_with_recipes").mkdir()
    site.joinpath("package_with_recipes", "__init__.py").write_text("raise RuntimeError")
    site.joinpath(folder).mkdir()
    plant_good(site, source=RECIPES)
    assert only_status(site).recipes == site.joinpath(folder).resolve()


def test_a_recipe_folder_that_does_not_exist_is_noted(site):
    plant_good(site, source=RECIPES)
    status = only_status(site)
    assert status.recipes is None
    assert status.notes == ("there is no folder 'recipes' in 'package_with_recipes'",)


def test_more_than_one_recipe_folder_is_refused(site):
    plant_good(site, source=RECIPES.replace('elsewhere")]', 'elsewhere")] * 2'))
    assert only_status(site).state is PluginState.INVALID
