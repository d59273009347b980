"""Puts a distribution with entry points into a folder, as an installer would, without one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

from vicreg_core.plugins import ENTRY_POINT_GROUP

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "tests" / "example_plugin"


def plant(
    site: Path,
    distribution: str,
    entries: Mapping[str, str],
    modules: Mapping[str, str],
    version: str = "1.0",
) -> None:
    """Install a distribution into ``site``.

    Args:
        site: folder to put on the path.
        distribution: its name.
        entries: name of each entry point -> its value.
        modules: name of each top-level module -> its source.
        version: of the distribution.
    """
    info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    lines = [f"[{ENTRY_POINT_GROUP}]", *(f"{name} = {value}" for name, value in entries.items())]
    info.joinpath("entry_points.txt").write_text("\n".join(lines) + "\n")
    for module, source in modules.items():
        site.joinpath(f"{module}.py").write_text(source)


def plant_example(site: Path) -> None:
    """Install the example plugin of this repository into ``site``."""
    plant(site, "vicreg-example-signals", {"signals": "vicreg_example_signals.plugin"}, {}, version="0.1.0")
    shutil.copytree(EXAMPLE / "vicreg_example_signals", site / "vicreg_example_signals")


def entry_points_in(site: Path) -> list[EntryPoint]:
    """The plugins planted in a folder."""
    return [
        entry_point
        for distribution in distributions(path=[str(site)])
        for entry_point in distribution.entry_points
    ]


def environment_with(site: Path, **variables: str) -> dict[str, str]:
    """An environment for a process that sees what is planted in ``site``."""
    path = os.pathsep.join([str(site), *filter(None, sys.path)])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VICREG_")}
    return {**kept, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **variables}


def vicreg(site: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process that sees what is planted in ``site``."""
    entry = "import sys; from vicreg_core.cli.main import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", entry, *arguments],
        env=environment_with(site, **variables),
        cwd=site,
        capture_output=True,
        text=True,
        check=False,
    )
