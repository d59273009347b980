"""What speaks against believing the scores: what ``vicreg audit`` found, with the samples themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vicreg_core.report.markup import Child, Markup, tag
from vicreg_core.report.record import RunRecord
from vicreg_core.report.sections.section import Section, section
from vicreg_core.report.words import count

_KINDS = {
    "duplicates": "Near-duplicates, those across training and test first",
    "labels": "Labels that others speak against, each beside the nearest sample of the expected class",
    "outliers": "Outliers",
}


def audit_section(record: RunRecord) -> Section | None:
    """Sentences on what was found, then the first findings of each kind."""
    audit = record.audit
    if audit is None:
        return None
    body: list[Child] = [tag("ul", [tag("li", line) for line in _sentences(audit)])]
    for kind, title in _KINDS.items():
        if found := audit["shown"].get(kind):
            words = " words" if any("text" in tile for each in found for tile in each) else ""
            rows = found if len(found[0]) > 1 else [[tile for each in found for tile in each]]
            items = [tag("li", [_tile(tile) for tile in each]) for each in rows]
            pairs = " pairs" if len(found[0]) > 1 else ""
            body += [tag("h3", title), tag("ul", items, class_=f"tiles{pairs}{words}")]
    lead = "Found by vicreg audit; all of it is in the folder audit of the run."
    return section("audit", "Before the scores are believed", body, lead=lead, short="Audit")


def _sentences(audit: Mapping[str, Any]) -> Iterator[str]:
    scores = audit["scores"]
    yield (
        f"{count(audit['duplicates'])} pairs of near-duplicates among {count(audit['samples'])} samples, "
        f"{count(audit['across'])} across training and test."
    )
    if audit["across"] and "knn_without" in scores:
        yield (
            f"kNN accuracy is {scores['knn']:.1%}, and {scores['knn_without']:.1%} without the "
            f"{count(int(scores['leaked']))} test samples of which a near-duplicate was trained on."
        )
    if audit["doubts"]:
        yield f"{count(audit['doubts'])} labels that neighbours and a classifier speak against."
    for one, other, share in audit["overlaps"][:5]:
        yield f"{share:.0%} of the neighbours of {one} are {other}."
    yield f"{count(audit['outliers'])} outliers."
    if (groups := audit["groups"]) is not None:
        if groups["by_group"] is not None:
            yield (
                f"The {count(groups['groups'])} groups tell the label of {groups['by_group']:.1%} of the "
                f"samples; the most common label alone is right for {groups['by_majority']:.1%}."
            )
        yield (
            f"The nearest sample is of the same group for {groups['same_group']:.1%}, "
            f"by chance {groups['expected']:.1%}."
        )


def _tile(tile: Mapping[str, Any]) -> Markup:
    name = tile["label"] or tile["id"]
    if "png" in tile:
        content = tag("img", src=f"data:image/png;base64,{tile['png']}", alt=name, decoding="async")
    else:
        content = tag("p", tile.get("text", tile["id"]), class_="text")
    caption = tag("figcaption", name, tag("small", _place(tile)))
    return tag("figure", content, caption, class_="tile", title=f"id {tile['id']}")


def _place(tile: Mapping[str, Any]) -> str:
    return f"{tile['split']} {tile['id']}"
