"""Each extra alone: its plugin works where the libraries of the other extras are hidden."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest

from tests.broken_plugins.planting import environment_with

packaging = pytest.importorskip("packaging.requirements")
EXTRAS = ("vision", "text", "biomedical")

HIDE = """
import importlib.machinery
hidden = frozenset({hidden!r})
find = importlib.machinery.PathFinder.find_spec
def find_shown(name, path=None, target=None):
    return None if name.partition(".")[0] in hidden else find(name, path, target)
importlib.machinery.PathFinder.find_spec = staticmethod(find_shown)
"""


def closure(distribution: str, extra: str = "") -> set[str]:
    """The distributions that one needs with an extra, normalised."""
    found: set[str] = set()
    waiting = [(distribution, extra)]
    while waiting:
        name, with_extra = waiting.pop()
        try:
            wanted = [packaging.Requirement(each) for each in requires(name) or ()]
        except PackageNotFoundError:
            continue
        for each in wanted:
            key = each.name.lower().replace("_", "-")
            if (each.marker is None or each.marker.evaluate({"extra": with_extra})) and key not in found:
                found.add(key)
                waiting += [(each.name, inner) for inner in each.extras or {""}]
    return found


def modules_of(distributions: set[str]) -> set[str]:
    return {
        module
        for module, owners in packages_distributions().items()
        if {owner.lower().replace("_", "-") for owner in owners} <= distributions
    }


def hidden_beside(extra: str | None) -> set[str]:
    """Importable names that an environment with one extra, or none, does not have."""
    everything = set().union(*(closure("vicreg-suite", each) for each in EXTRAS))
    own = closure("vicreg-suite", extra or "")
    return modules_of(everything - own)


def run(tmp_path: Path, extra: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    entry = f"{HIDE.format(hidden=sorted(hidden_beside(extra)))}\nimport sys\n"
    entry += "from vicreg_core.cli.main import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", entry, *arguments],
        env=environment_with(tmp_path, VICREG_CACHE=str(tmp_path / "cache")),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_core_alone_hides_what_the_extras_bring():
    assert {"torchvision", "transformers", "monai", "datasets"} <= hidden_beside(None)
    assert "torch" not in hidden_beside(None)
    assert "torchvision" not in hidden_beside("vision")
    assert "transformers" in hidden_beside("vision")


def test_without_extras_every_plugin_says_what_it_lacks(tmp_path):
    done = run(tmp_path, None, "plugin", "list", "--json")
    assert done.returncode == 0, done.stderr
    found = {record["name"]: record for record in json.loads(done.stdout)}
    assert found["core"]["status"] == "ready"
    for extra in EXTRAS:
        assert found[extra]["status"] == "missing-extra"
        assert found[extra]["install"] == [f"pip install 'vicreg-suite[{extra}]'"]


@pytest.mark.slow
@pytest.mark.parametrize("extra", EXTRAS)
def test_each_extra_alone_is_enough_for_its_plugin(tmp_path, extra):
    done = run(tmp_path, extra, "plugin", "check", extra)
    assert done.returncode == 0, done.stdout + done.stderr
    few = ["train.epochs=null", "train.steps=2", "train.batch_size=32", "evaluate.protocols=[knn]"]
    done = run(tmp_path, extra, "train", f"{extra}/quickstart", *few, "--out", "run")
    assert done.returncode == 0, done.stdout + done.stderr
