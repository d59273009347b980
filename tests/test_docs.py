"""The documentation names what there is: hooks with their signatures, links that lead somewhere."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from vicreg_core.plugins import hookspecs

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def hooks() -> dict[str, str]:
    functions = inspect.getmembers(hookspecs, inspect.isfunction)
    return {name: f"{name}{inspect.signature(f)}" for name, f in functions if name.startswith("vicreg_")}


def test_every_hook_has_a_heading_with_its_exact_signature():
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    documented = re.findall(r"^### `(vicreg_.*)`$", page, flags=re.M)
    expected = [signature.replace("'", "") for signature in hooks().values()]
    assert len(expected) == 6
    assert sorted(documented) == sorted(expected)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_no_link_is_dead(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_files_named_in_code_spans_exist(page):
    spans = re.findall(
        r"`((?:vicreg_core|plugins|recipes|tests|docs|benchmarks)/[\w./-]+)`", page.read_text()
    )
    for span in spans:
        assert (ROOT / span).exists(), f"{page.name} names {span}"
