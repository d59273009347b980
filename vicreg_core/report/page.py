"""The page of a run: one HTML file that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from vicreg_core.report.markup import Child, Markup, join, tag
from vicreg_core.report.record import RunRecord
from vicreg_core.report.sections.audit import audit_section
from vicreg_core.report.sections.classes import confusion_section, labels_section
from vicreg_core.report.sections.collapse import collapse_section
from vicreg_core.report.sections.facts import environment_section, recipe_section
from vicreg_core.report.sections.few_labels import few_labels_section
from vicreg_core.report.sections.headline import result_section
from vicreg_core.report.sections.robustness import robustness_section
from vicreg_core.report.sections.samples import map_section, neighbours_section, views_section
from vicreg_core.report.sections.section import Section
from vicreg_core.report.sections.training import loss_section, time_section
from vicreg_core.report.words import count, number

_SECTIONS = (
    result_section,
    loss_section,
    collapse_section,
    labels_section,
    few_labels_section,
    robustness_section,
    map_section,
    neighbours_section,
    views_section,
    confusion_section,
    audit_section,
    time_section,
    recipe_section,
    environment_section,
)


def render_run(record: RunRecord) -> str:
    """The page of one run."""
    made = [section for build in _SECTIONS if (section := build(record)) is not None]
    return document(record.name, str(record.option("summary") or ""), _chips(record), made)


def document(title: str, summary: str, chips: Sequence[str], sections: Sequence[Section]) -> str:
    """A whole page.

    Args:
        title: of the page.
        summary: a line under it.
        chips: short facts under that.
        sections: its body; the contents list names them.
    """
    links = [tag("a", each.title, href=f"#{each.anchor}") for each in sections]
    header = tag(
        "header",
        tag("h1", title),
        tag("p", summary, class_="lead") if summary else None,
        tag("p", [tag("span", chip) for chip in chips], class_="chips"),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} · vicreg report"),
        # Without an icon of its own the page would ask the server for one.
        tag("link", rel="icon", href="data:,"),
        tag("style", Markup(_asset("report.css"))),
    )
    body: list[Child] = [
        tag("nav", links, aria_label="Contents"),
        tag("main", header, [each.html for each in sections]),
        tag("script", Markup(_asset("charts.js"))),
        tag("script", Markup(_asset("map.js"))),
    ]
    return "<!doctype html>\n" + join(tag("html", head, tag("body", body), lang="en")) + "\n"


def _chips(record: RunRecord) -> list[str]:
    last = record.last
    facts = [record.option(f"{part}.name") for part in ("data", "encoder", "augmentation")]
    if last:
        facts.append(f"{count(last['step'])} steps, {number(last.get('epoch'))} epochs")
    facts.append(f"batch {count(record.option('train.batch_size'))}")
    facts += [record.environment.get("device"), record.environment.get("precision")]
    return [str(fact) for fact in facts if fact]


def _asset(name: str) -> str:
    return files("vicreg_core.report").joinpath("assets", name).read_text(encoding="utf-8")
