"""The recipe and the environment of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vicreg_core.report.markup import Child, tag
from vicreg_core.report.record import RunRecord
from vicreg_core.report.sections.section import Section, section, table


def recipe_section(record: RunRecord) -> Section:
    """The resolved recipe, as it can be run again."""
    return section(
        "recipe",
        "Recipe",
        tag(
            "details",
            tag("summary", "The resolved recipe, every default written out"),
            tag("pre", record.recipe_text),
        ),
        lead="Training by this recipe again reproduces the run.",
    )


def environment_section(record: RunRecord) -> Section | None:
    """Versions and hardware."""
    if not record.environment:
        return None
    rows: list[list[Child]] = [[key, value] for key, value in flat(record.environment)]
    listing = table(["key", "value"], rows, caption="Versions and hardware", numeric=2)
    return section("environment", "Environment", tag("div", listing, class_="facts"))


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted keys and values of nested mappings, as text."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            yield f"{prefix}{key}", "–" if shown is None else str(shown)
