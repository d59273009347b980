from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.recipes.planted import GOOD, YOURS, planted_registry, write
from vicreg_core.cli.main import cli
from vicreg_core.plugins import registry

BROKEN = GOOD.replace("kernel: 5", "kernel: 5\n  kernle: 3\n  pool: median")


@pytest.fixture(autouse=True)
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shipped"
    write(folder / "good.yaml", GOOD)
    write(folder / "yours.yaml", YOURS)
    monkeypatch.setattr(registry, "load_registry", lambda: planted_registry(folder))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["recipe", *arguments])


def printed(*arguments: str) -> Any:
    return json.loads(run(*arguments).stdout)


def test_list_shows_names_what_to_give_and_summaries() -> None:
    result = run("list")
    assert result.exit_code == 0
    assert [line.split(maxsplit=1) for line in result.stdout.splitlines()] == [
        ["recipe", "you give   summary"],
        ["toy/good", "a good recipe"],
        ["toy/yours", "data.path  your own files"],
    ]
    assert "plugin 'wreck' (wreck-plugin 2) is not usable" in result.stderr


def test_list_as_json(planted: Path) -> None:
    assert printed("list", "--json")[1] == {
        "name": "toy/yours",
        "summary": "your own files",
        "required": {"data.path": "a folder of files"},
        "path": str(planted / "shipped" / "yours.yaml"),
    }


def test_list_survives_a_recipe_that_cannot_be_read(planted: Path) -> None:
    write(planted / "shipped" / "torn.yaml", "a: [")
    (planted / "shipped" / "binary.yaml").write_bytes(b"\xff\xfe")
    summaries = {each["name"]: each["summary"] for each in printed("list", "--json")}
    assert "not valid YAML" in summaries["toy/torn"]
    assert "not a UTF-8 text file" in summaries["toy/binary"]
    assert summaries["toy/good"] == "a good recipe"


def test_show_prints_the_file_as_it_is() -> None:
    assert run("show", "toy/good").stdout == GOOD


def test_show_resolved_prints_every_default_and_loads_back(planted: Path) -> None:
    text = run("show", "toy/good", "--resolved").stdout
    assert "widths: [32, 64]" in text
    assert "precision: auto" in text
    write(planted / "resolved.yaml", text)
    assert run("show", "resolved.yaml", "--resolved").stdout == text


def test_show_with_overrides_is_resolved() -> None:
    assert "seed: 9" in run("show", "toy/good", "seed=9").stdout


def test_show_resolved_asks_for_what_a_recipe_leaves_open() -> None:
    result = run("show", "toy/yours", "--resolved")
    assert result.exit_code == 2
    assert result.stderr.endswith("  vicreg recipe show toy/yours data.path=PATH\n")


def test_copy_and_check_the_copy(planted: Path) -> None:
    result = run("copy", "toy/good", "mine")
    assert result.stdout == "copied to mine.yaml; edit it, then: vicreg train mine.yaml\n"
    assert (planted / "mine.yaml").read_text().startswith("# vicreg train mine.yaml\n")
    assert run("check", "mine.yaml").exit_code == 0
    again = run("copy", "toy/good", "mine")
    assert again.exit_code == 2
    assert "mine.yaml exists" in again.stderr
    assert run("copy", "toy/good", "mine", "--force").exit_code == 0


def test_copy_defaults_to_the_last_name_in_the_working_directory(planted: Path) -> None:
    assert run("copy", "toy/good").exit_code == 0
    assert (planted / "good.yaml").is_file()


def test_check_lists_all_mistakes_and_exits_2(planted: Path) -> None:
    write(planted / "mine.yaml", BROKEN)
    result = run("check", "toy/yours", "mine.yaml", "train.views=1")
    assert result.exit_code == 2
    assert result.stdout.splitlines() == [
        "FAIL  toy/yours",
        "      command line: train.views: expected a whole number from 2 to 16, got 1",
        "      needs data.path=PATH on the command line: a folder of files",
        "FAIL  mine.yaml",
        "      mine.yaml:8: encoder.kernle: unknown key; did you mean 'kernel'?",
        "      mine.yaml:9: encoder.pool: expected one of 'mean', 'max', got 'median'; did you mean 'mean'?",
        "      command line: train.views: expected a whole number from 2 to 16, got 1",
    ]
    assert result.stderr == "Error: 2 of 2 checked failed\n"


def test_check_of_a_recipe_that_leaves_something_open_passes() -> None:
    result = run("check", "toy/yours")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "ok    toy/yours"


def test_check_goes_through_folders(planted: Path) -> None:
    write(planted / "all" / "a.yaml", GOOD)
    write(planted / "all" / "deep" / "b.yml", BROKEN)
    (planted / "all" / "c.yaml").write_bytes(b"\x80")
    report = printed("check", "all", "--json")
    assert not report["ok"]
    assert [(each["recipe"], each["ok"]) for each in report["recipes"]] == [
        ("all/a.yaml", True),
        ("all/c.yaml", False),
        ("all/deep/b.yml", False),
    ]
    assert report["recipes"][2]["problems"][0] == {
        "source": "all/deep/b.yml",
        "line": 8,
        "key": "encoder.kernle",
        "message": "unknown key; did you mean 'kernel'?",
    }


def test_check_of_the_schema_alone(planted: Path) -> None:
    write(planted / "mine.yaml", BROKEN)
    assert run("check", "mine.yaml", "--schema-only").exit_code == 0
    assert run("check", "mine.yaml", "--schema-only", "sed=1").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["check"], "Missing argument"),
        (["check", "seed=1"], "no recipe is given"),
        (["check", "empty"], "there is no .yaml file in the folder empty"),
        (["check", "toy/godo"], "did you mean 'toy/good'?"),
        (["show", "shipped"], "is a folder, not a recipe"),
        (["copy", "toy/good", "shipped/good.yaml"], "exists"),
    ],
)
def test_misuse_exits_2_and_says_why(planted: Path, arguments: list[str], part: str) -> None:
    (planted / "empty").mkdir()
    result = run(*arguments)
    assert result.exit_code == 2
    assert part in result.stderr
    assert "Traceback" not in result.stderr
