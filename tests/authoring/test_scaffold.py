"""A new plugin from the template: names, places, and that what is written is clean and whole."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from vicreg_core.authoring.scaffold import names_of, new_plugin
from vicreg_core.cli.main import cli
from vicreg_core.errors import PluginError
from vicreg_core.plugins.registry import load_registry


def make(name: str, folder: Path | None = None) -> Path:
    return new_plugin(name, folder, load_registry())


@pytest.mark.parametrize("name", ["tables", "x", "mass-spectra", "a.b_c-9", "1d"])
def test_every_name_gives_an_importable_package_and_its_own_namespace(tmp_path, name):
    folder = make(name, tmp_path / "made")
    project = tomllib.loads(folder.joinpath("pyproject.toml").read_text())
    package = names_of(name)["package"]
    assert package.isidentifier()
    assert project["project"]["entry-points"]["vicreg.plugins"] == {name: f"{package}.plugin"}
    assert folder.joinpath(package, "recipes", "quickstart.yaml").is_file()
    assert folder.joinpath(package, "sample.csv").is_file()
    for path in folder.rglob("*"):
        assert path.is_dir() or "$" not in path.read_text().replace("$ ", ""), path


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("My Plugin", "expected lower-case letters .*; how about 'my-plugin'"),
        ("", "expected lower-case letters"),
        ("a/b", "how about 'a-b'"),
        ("../up", "how about 'up'"),
        ("vision", "taken by 'vision' of vicreg-suite"),
        ("suite", "its distribution would take the name of vicreg-suite"),
        ("a" * 41, "too long"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(tmp_path, monkeypatch, name, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PluginError, match=says):
        make(name)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = tmp_path / "vicreg-tables"
    kept.mkdir()
    with pytest.raises(PluginError, match="vicreg-tables exists, and nothing is overwritten"):
        make("tables")
    with pytest.raises(PluginError, match=r"e\.g\. --dir vicreg-tables/vicreg-x"):
        make("x", Path("vicreg-tables"))
    (tmp_path / "file").touch()
    with pytest.raises(PluginError, match="file is a file"):
        make("x", Path("file/inside"))
    assert not list(kept.iterdir())


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    written = Path.write_text

    def fail_at_the_encoder(path, *given, **options):
        if path.name == "encoder.py":
            raise OSError(28, "No space left on device")
        return written(path, *given, **options)

    monkeypatch.setattr(Path, "write_text", fail_at_the_encoder)
    with pytest.raises(Exception, match="No space left on device"):
        make("tables", tmp_path / "made")
    assert not list(tmp_path.iterdir())


def test_the_command_says_how_to_go_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["plugin", "new", "tables", "--dir", "with space"])
    assert done.exit_code == 0
    assert "  cd 'with space'\n  pip install --editable .\n" in done.stdout


@pytest.mark.parametrize("name", ["tables", "a-rather-long-name-for-a-plugin"])
def test_what_is_written_is_clean(tmp_path, name):
    folder = make(name, tmp_path / "made")
    ruff = [sys.executable, "-m", "ruff"]
    if subprocess.run([*ruff, "--version"], capture_output=True, check=False).returncode:
        pytest.skip("needs ruff")
    rules = ["--isolated", "--line-length", "110", "."]
    for command in (["check", "--select", "E,F,W,I,UP,B,RUF,SIM"], ["format", "--check"]):
        done = subprocess.run(
            [*ruff, *command, *rules], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_reading_its_tables(tmp_path, monkeypatch):
    """Every mistake in a table is said with its place."""
    make("tables", tmp_path / "made")
    monkeypatch.syspath_prepend(tmp_path / "made")
    from vicreg_tables.configs import TableConfig
    from vicreg_tables.dataset import read_table

    from vicreg_core.errors import DataError

    path = tmp_path / "t.csv"
    for text, options, says in [
        ("", {}, "expected a header and rows of numbers, got 0 rows"),
        ("a,b\n", {}, "got 0 rows"),
        ("a,a\n1,2\n", {}, "two columns have the same name"),
        ("a,b\n1,2\n1\n", {}, "line 3: 1 cells, but the header has 2"),
        ("a,b\n1,x\n", {}, "line 2, column 'b': expected a number or nothing, got 'x'"),
        ("a,b\n1,inf\n", {}, "got 'inf'"),
        ("a,b\n1,\n2,\n", {}, "no row has a number in column 'b'"),
        ("a,b\n1,2\n", {"label": "c"}, "has no column 'c'; it has a, b"),
    ]:
        path.write_text(text)
        with pytest.raises(DataError, match=says):
            read_table(TableConfig(path=str(path), **options), "train")
    with pytest.raises(DataError, match=r"cannot read the table .*No such file"):
        read_table(TableConfig(path=str(tmp_path / "none.csv")), "train")
    for module in [name for name in sys.modules if name.startswith("vicreg_tables")]:
        monkeypatch.delitem(sys.modules, module)
