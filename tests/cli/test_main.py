from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from tests.recipes.planted import GOOD, write
from vicreg_core.cli.frame import FramedGroup
from vicreg_core.cli.lazy import Entry
from vicreg_core.cli.main import COMMANDS, cli
from vicreg_core.errors import RunError, TrainingInterrupted

LIGHT = ["torch", "numpy", "sklearn", "pyarrow", "rich", "torchvision", "transformers", "monai", "datasets"]
RUN = """\
import sys
from vicreg_core.cli.main import cli
try:
    cli({arguments!r}, prog_name="vicreg")
except SystemExit as stop:
    assert not stop.code, stop.code
print("loaded:", *(name for name in {names!r} if name in sys.modules), file=sys.stderr)
"""


def loaded_by(arguments: list[str], names: list[str]) -> str:
    """Those of ``names`` that a command imports in a fresh process."""
    code = RUN.format(arguments=arguments, names=names)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()[-1].removeprefix("loaded:").strip()


LIGHT_COMMANDS = ["--help", "--version", "recipe --help", "recipe list --json", "plugin list --json"]


@pytest.mark.parametrize("command", [*LIGHT_COMMANDS, "recipe check RECIPE --schema-only"])
def test_light_commands_import_nothing_heavy(tmp_path: Path, command: str) -> None:
    recipe = write(tmp_path / "r.yaml", GOOD)
    arguments = [recipe.label if argument == "RECIPE" else argument for argument in command.split()]
    assert loaded_by(arguments, LIGHT) == ""


def test_a_table_needs_rich_but_nothing_heavier() -> None:
    assert loaded_by(["recipe", "list"], LIGHT) == "rich"


def test_help_imports_no_command_and_no_plugin_machinery() -> None:
    modules = [entry.target.partition(":")[0] for entry in COMMANDS.values()]
    assert loaded_by(["--help"], [*modules, "pydantic", "yaml", "pluggy"]) == ""


def test_help_lists_every_command_by_section() -> None:
    text = CliRunner().invoke(cli, ["--help"]).stdout
    assert all(f"  {name} " in text and entry.help in text for name, entry in COMMANDS.items())
    assert text.index("Runs:") < text.index("train") < text.index("Housekeeping:") < text.index("plugin")


def test_a_misspelt_command_gets_a_suggestion() -> None:
    result = CliRunner().invoke(cli, ["trian"])
    assert result.exit_code == 2
    assert "no command 'trian'; did you mean 'train'?" in result.stderr


@click.command()
@click.argument("what")
def fails(what: str) -> None:
    if what == "user":
        raise RunError("no such run\n  look elsewhere")
    if what == "signal":
        raise TrainingInterrupted("stopped by SIGTERM", 15)
    if what == "interrupt":
        raise KeyboardInterrupt
    if what == "disk":
        raise OSError(28, "No space left on device", "runs/a/model")
    if what == "usage":
        raise click.UsageError("not like this")
    raise ZeroDivisionError("division by zero")


@click.command(cls=FramedGroup, entries={"fails": Entry(f"{__name__}:fails", "Fail.", "Commands")})
@click.option("--debug", is_flag=True, envvar="VICREG_DEBUG")
def framed(debug: bool) -> None:
    pass


def failing(what: str, *options: str, **environment: str) -> Result:
    return CliRunner().invoke(framed, [*options, "fails", what], env=environment)


@pytest.mark.parametrize(
    ("what", "code", "text"),
    [
        ("user", 2, "Error: no such run\n  look elsewhere\n"),
        ("signal", 143, "Error: stopped by SIGTERM\n"),
        ("interrupt", 130, "Stopped.\n"),
        (
            "disk",
            1,
            "Error: No space left on device (runs/a/model): make room, or write elsewhere; a run that was "
            "cut off goes on with --resume\n",
        ),
    ],
)
def test_an_error_is_one_block_and_an_exit_code(what: str, code: int, text: str) -> None:
    result = failing(what)
    assert (result.exit_code, result.stderr, result.stdout) == (code, text, "")


def test_a_usage_error_shows_the_usage() -> None:
    result = failing("usage")
    assert result.exit_code == 2
    assert "Usage:" in result.stderr
    assert "not like this" in result.stderr


def test_a_bug_is_told_from_a_mistake() -> None:
    result = failing("bug")
    assert result.exit_code == 1
    assert result.stderr.startswith("Unexpected error: ZeroDivisionError: division by zero\n")
    assert "This is a bug in vicreg_core" in result.stderr
    assert "Traceback" not in result.stderr


def test_debug_shows_the_traceback_beside_the_block() -> None:
    for result in (failing("user", "--debug"), failing("user", VICREG_DEBUG="1")):
        assert result.exit_code == 2
        assert "Traceback (most recent call last)" in result.stderr
        assert result.stderr.endswith("Error: no such run\n  look elsewhere\n")


def test_a_reader_that_goes_away_is_no_error() -> None:
    code = "from vicreg_core.cli.main import main; main()"
    command = [sys.executable, "-c", code, "plugin", "list", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_a_warning_is_one_line_for_its_reader():
    source = (
        "import warnings, click\n"
        "from vicreg_core.cli.frame import FramedGroup\n"
        "from vicreg_core.cli.lazy import Entry\n"
        "class Group(FramedGroup):\n"
        "    def get_command(self, ctx, name):\n"
        "        return click.Command(name, callback=lambda: warnings.warn('the data has one channel'))\n"
        "entry = Entry('m:grumble', 'Grumble.', 'Commands')\n"
        "Group(name='group', entries={'grumble': entry})(['grumble'], standalone_mode=False)\n"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stderr == "warning: the data has one channel\n"
