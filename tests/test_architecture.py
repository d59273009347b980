"""The invariants of the house that no single module can keep: who may import whom, and what is light."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Set
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
    for module in ROOT.joinpath("vicreg_core").iterdir():
        if module.suffix == ".py":
            tmp_path.joinpath("vicreg_core", module.name).write_text("")
        elif module.joinpath("__init__.py").exists():
            tmp_path.joinpath("vicreg_core", module.name).mkdir()
            tmp_path.joinpath("vicreg_core", module.name, "__init__.py").write_text("")
    tmp_path.joinpath("vicreg_core", "data", "bad.py").write_text("import vicreg_core.report\n")
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
    assert "vicreg_core.data is not allowed to import vicreg_core.report" in done.stdout
    assert done.returncode == 1


def circles(imports: Mapping[str, Set[str]]) -> list[list[str]]:
    """The groups of modules that import each other, directly or through others."""
    beyond: dict[str, set[str]] = {}
    for module in imports:
        reached, waiting = set[str](), list(imports[module])
        while waiting:
            if (found := waiting.pop()) not in reached:
                reached.add(found)
                waiting += imports[found]
        beyond[module] = reached
    groups = {frozenset(other for other in beyond[one] if one in beyond[other]) for one in imports}
    return [sorted(group) for group in groups if group]


def test_circles_are_seen():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": set()}) == [["a", "b", "c"]]


def test_no_imports_run_in_a_circle():
    grimp = pytest.importorskip("grimp")
    packages = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["root_packages"]
    graph = grimp.build_graph(*packages, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert circles(imports) == []


def modules_of(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix == ".py" and path.name != "__init__.py"]


def test_files_and_rooms_are_small():
    """A file has one reason to exist, and a room is seen at a glance."""
    rooms = [ROOT / "vicreg_core", *ROOT.joinpath("plugins").iterdir()]
    folders = {file.parent for room in rooms for file in room.rglob("*.py")}
    assert len(folders) > 20
    long = {
        file: n for f in folders for file in modules_of(f) if (n := len(file.read_text().splitlines())) > 300
    }
    full = {folder: n for folder in folders if (n := len(modules_of(folder))) > 15}
    assert (long, full) == ({}, {})


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


def test_no_source_is_ignored_by_git():
    """What git ignores is neither committed nor packed into the wheel, and a room may be called ``runs``."""
    if not ROOT.joinpath(".git").exists():
        pytest.skip("not a git checkout")
    rooms = [ROOT / "vicreg_core", ROOT / "plugins", ROOT / "tests"]
    sources = [str(path.relative_to(ROOT)) for room in rooms for path in room.rglob("*.py")]
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin"],
        input="\n".join(sources),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert len(sources) > 400
    assert done.stdout == ""
