"""The invariants of the house that no single module can keep: who may import whom, and what is light."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.broken_plugins.planting import ROOT, environment_with

PYPROJECT = ROOT / "pyproject.toml"
BUILT_IN = sorted(tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"]["vicreg.plugins"].values())
HEAVY = {"datasets", "monai", "numpy", "pyarrow", "sklearn", "torch", "torchvision", "transformers"}
LIGHT = [
    *BUILT_IN,
    "vicreg_core",
    "vicreg_core.cli.main",
    "vicreg_core.cli.plugin",
    "vicreg_core.plugins.registry",
    "vicreg_core.recipes.load",
]


def test_import_contracts_are_kept():
    linter = pytest.importorskip("importlinter.cli")
    assert linter.lint_imports(config_filename=str(PYPROJECT), no_cache=True, no_logo=True) == 0


def test_import_contracts_would_see_an_import_that_breaks_them(tmp_path):
    """The contracts of this project over a core with one forbidden import."""
    pytest.importorskip("importlinter.cli")
    linted = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]
    for package in linted["root_packages"]:
        tmp_path.joinpath(package).mkdir()
        tmp_path.joinpath(package, "__init__.py").write_text("")
    tmp_path.joinpath("vicreg_core", "bad.py").write_text("import torchvision\n")
    tmp_path.joinpath("vicreg_text", "bad.py").write_text("import vicreg_vision\n")
    command = (
        "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports({!r}, no_cache=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", command.format(str(PYPROJECT))],
        env=environment_with(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "vicreg_core is not allowed to import torchvision" in done.stdout
    assert "vicreg_text is not allowed to import vicreg_vision" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize("module", LIGHT)
def test_light_doors_import_nothing_heavy(module: str, tmp_path: Path):
    command = f"import sys, {module}; print(*sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", command],
        env=environment_with(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []


@pytest.mark.parametrize("module", BUILT_IN)
def test_plugin_modules_import_the_plugin_api_alone(module: str):
    path = Path(*module.split(".")).with_suffix(".py")
    (source,) = [folder / path for folder in (ROOT, ROOT / "plugins") if (folder / path).exists()]
    imported = {
        name
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
    }
    assert imported <= {"__future__", "vicreg_core.plugins"}
