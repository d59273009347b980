from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vicreg_core.cli import plugin as command
from vicreg_core.cli.main import cli
from vicreg_core.plugins import EncoderSpec
from vicreg_core.plugins.component import Component
from vicreg_core.plugins.registry import Registry
from vicreg_core.plugins.status import PluginState, PluginStatus

SPECS = (
    EncoderSpec(name="net", target="operator:eq", summary="a net"),
    EncoderSpec(
        name="big", target="json:no_such_name", summary="a net", requires=("no_lib",), extra="d[big]"
    ),
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Runs ``vicreg plugin`` with a plugin that works, one that lacks an extra and one that is broken."""
    good, lacking = (Component("encoder", f"mine/{spec.name}", "dist-mine 1.0", spec) for spec in SPECS)
    origin = {"distribution": "dist-mine", "version": "1.0"}
    try:
        raise OSError("the disk is on fire")
    except OSError as error:
        cause = error
    registry = Registry(
        [
            PluginStatus(
                name="fine", state=PluginState.READY, components=(good,), recipes=tmp_path, **origin
            ),
            PluginStatus(
                name="lacking", state=PluginState.MISSING_EXTRA, components=(good, lacking), **origin
            ),
            PluginStatus(
                name="broken",
                state=PluginState.HOOK_FAILED,
                error="vicreg_encoders() raised OSError: the disk is on fire",
                notes=("it is rude",),
                cause=cause,
                **origin,
            ),
        ]
    )
    monkeypatch.setattr(command, "load_registry", lambda: registry)
    monkeypatch.setenv("COLUMNS", "160")

    def invoke(*arguments: str) -> Result:
        options = [argument for argument in arguments if argument == "--debug"]
        rest = [argument for argument in arguments if argument != "--debug"]
        return CliRunner().invoke(cli, [*options, "plugin", *rest])

    return invoke


def test_list_shows_a_row_a_plugin_and_what_is_wrong_beneath(run):
    result = run("list")
    assert result.exit_code == 0
    table, _, beneath = result.stdout.partition("\n\n")
    rows = [line.split() for line in table.splitlines()]
    assert rows[0] == [
        *("plugin", "distribution", "status"),
        *("encoders", "augmentations", "datasets", "objectives", "protocols", "exports"),
    ]
    assert rows[1] == ["fine", "dist-mine", "1.0", "ready", "1"]
    assert rows[2] == ["lacking", "dist-mine", "1.0", "missing-extra", "2"]
    assert rows[3] == ["broken", "dist-mine", "1.0", "hook-failed"]
    assert beneath.splitlines() == [
        "lacking: lacks no_lib: pip install 'd[big]'",
        "broken: vicreg_encoders() raised OSError: the disk is on fire",
        "broken: it is rude",
    ]


def test_list_as_json_has_a_record_a_plugin(run, tmp_path):
    fine, lacking, broken = json.loads(run("list", "--json").stdout)
    assert fine == {
        "name": "fine",
        "distribution": "dist-mine",
        "version": "1.0",
        "status": "ready",
        "error": None,
        "components": {
            "encoder": ["mine/net"],
            "augmentation": [],
            "dataset": [],
            "objective": [],
            "protocol": [],
            "export": [],
        },
        "recipes": str(tmp_path),
        "missing": [],
        "install": [],
        "notes": [],
    }
    assert (lacking["missing"], lacking["install"]) == (["no_lib"], ["pip install 'd[big]'"])
    assert (broken["error"], broken["notes"]) == (
        "vicreg_encoders() raised OSError: the disk is on fire",
        ["it is rude"],
    )


def test_check_of_a_good_plugin_exits_0(run):
    result = run("check", "fine")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["ok    discovery", "ok    encoder mine/net: target"]


def test_check_says_what_failed_and_exits_2(run):
    result = run("check", "broken")
    assert result.exit_code == 2
    assert "FAIL  discovery" in result.stdout
    assert "the disk is on fire" in result.stdout
    assert result.stderr == "Error: plugin 'broken' failed 2 of 2 checks\n"


def test_check_as_json_exits_2_as_well(run):
    result = run("check", "broken", "--json")
    assert result.exit_code == 2
    record = json.loads(result.stdout)
    assert record["ok"] is False
    assert [(f["subject"], f["ok"]) for f in record["findings"]] == [
        ("discovery", False),
        ("plugin module", False),
    ]


def test_check_shows_tracebacks_on_demand_only(run):
    assert "Traceback" not in run("check", "broken").output
    assert 'raise OSError("the disk is on fire")' in run("--debug", "check", "broken").output


def test_check_of_an_unknown_plugin_suggests_one(run):
    result = run("check", "brokn")
    assert result.exit_code == 2
    assert "no plugin 'brokn' is installed; did you mean 'broken'?" in result.stderr
