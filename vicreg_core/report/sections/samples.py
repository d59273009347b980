"""The samples themselves: where they lie, what lies beside them, and what the encoder was shown of them."""

from __future__ import annotations

from collections.abc import Mapping

from vicreg_core.report.markup import Child, Markup, json_script, tag
from vicreg_core.report.record import RunRecord
from vicreg_core.report.sections.section import Section, section
from vicreg_core.report.snapshot_file import Shown, Snapshot
from vicreg_core.report.words import count


def map_section(record: RunRecord) -> Section | None:
    """The map of the representations, drawn and made explorable by the page's script."""
    snapshot = record.snapshot
    if snapshot is None:
        return None
    colourings = [("labels", "label")] if snapshot["labels"] is not None else []
    colourings += [("groups", "group")] if snapshot["groups"] is not None else []
    clusters = len(set(snapshot["clusters"]))
    colourings.append(("clusters", f"cluster ({clusters}, k-means)"))
    controls = [
        _choice(
            "map-projection", "Projection", [(str(i), m["name"]) for i, m in enumerate(snapshot["maps"])]
        ),
        _choice("map-colour", "Colour by", [*colourings, ("none", "nothing")]),
        tag(
            "span",
            [
                tag("button", sign, type="button", id=name, aria_label=told)
                for name, sign, told in (
                    ("map-in", "+", "Zoom in"),
                    ("map-out", "−", "Zoom out"),
                    ("map-home", "Whole map", None),
                )
            ],
            class_="buttons",
        ),
    ]
    canvas = tag(
        "canvas",
        "The map needs a browser with scripts switched on.",
        id="map-canvas",
        tabindex="0",
        role="img",
        aria_label=f"Map of {len(snapshot['ids'])} samples. Arrow keys go from one on, + and - zoom.",
    )
    body = [
        tag("div", controls, class_="controls"),
        tag(
            "div",
            tag("div", canvas, tag("div", id="map-tip", class_="tip", aria_live="polite"), class_="stage"),
            tag("div", id="map-legend", class_="map-legend"),
            class_="map",
        ),
        tag("p", id="map-note", class_="note"),
        json_script("map-data", _map_data(snapshot)),
    ]
    shown = len(snapshot["shown"])
    lead = f"{count(len(snapshot['ids']))} {snapshot['split']} samples, close where the encoder finds them "
    lead += "alike. "
    lead += "Point at one to see it." if shown else "This modality does not show its samples."
    return section("map", "Map of the representation", body, lead=lead, short="Map")


def neighbours_section(record: RunRecord) -> Section | None:
    """Sampled items with their nearest others."""
    snapshot = record.snapshot
    if snapshot is None or not snapshot["neighbours"]:
        return None
    labels, rows = snapshot["labels"], []
    for each in snapshot["neighbours"]:
        own = each["item"]
        tiles = [_tile(snapshot, own, _name(snapshot, own), "query")]
        for other, similarity in zip(each["near"], each["similarity"], strict=True):
            known = labels is not None and min(labels[own], labels[other]) >= 0
            same = labels[own] == labels[other] if labels is not None and known else None
            mark = "" if same is None else ("same" if same else "other")
            sign = "" if same is None else ("✓ " if same else "✗ ")
            tiles.append(_tile(snapshot, other, f"{sign}{_name(snapshot, other)}", mark, f"{similarity:.2f}"))
        rows.append(tag("li", tiles))
    words = " words" if _are_texts(snapshot["shown"]) else ""
    lead = "The first of each row is a sample, then those nearest to it, with the cosine of their angle."
    if labels is not None:
        lead += " ✓ has its label, ✗ another."
    return section(
        "neighbours",
        "Nearest neighbours",
        tag("ul", rows, class_=f"tiles{words}"),
        lead=lead,
        short="Neighbours",
    )


def views_section(record: RunRecord) -> Section | None:
    """Training samples beside the views made of them."""
    snapshot = record.snapshot
    if snapshot is None or not snapshot["views"]:
        return None
    words = " words" if "text" in snapshot["views"][0]["shown"][0] else ""
    items = []
    for each in snapshot["views"]:
        names = ["sample", *(f"view {place}" for place in range(1, len(each["shown"])))]
        tiles = [
            tag("figure", _content(shown, f"{name} of {each['id']}"), tag("figcaption", name), class_="tile")
            for name, shown in zip(names, each["shown"], strict=True)
        ]
        items.append(tag("li", tiles))
    return section(
        "views",
        "What invariance is imposed",
        tag("ul", items, class_=f"tiles pairs{words}"),
        lead="Training samples and the views the encoder was shown of them in the first epoch. It is taught "
        "that the views of a sample are the same thing: whatever differs between them, it learns to ignore.",
        short="Views",
    )


def _tile(snapshot: Snapshot, row: int, name: str, mark: str, below: str = "") -> Markup:
    shown = snapshot["shown"].get(str(row))
    content = _content(shown, name) if shown else tag("p", snapshot["ids"][row], class_="text")
    caption = tag("figcaption", name, tag("small", below) if below else None)
    return tag("figure", content, caption, class_=f"tile {mark}", title=f"id {snapshot['ids'][row]}")


def _content(shown: Shown, name: str) -> Markup:
    if "png" in shown:
        return tag("img", src=f"data:image/png;base64,{shown['png']}", alt=name, decoding="async")
    return tag("p", shown["text"], class_="text")


def _name(snapshot: Snapshot, row: int) -> str:
    if snapshot["labels"] is None or snapshot["labels"][row] < 0:
        return snapshot["ids"][row]
    return snapshot["classes"][snapshot["labels"][row]]


def _are_texts(shown: Mapping[str, Shown]) -> bool:
    return any("text" in each for each in shown.values())


def _choice(name: str, label: str, options: list[tuple[str, str]]) -> Markup:
    inner: list[Child] = [tag("option", shown, value=value) for value, shown in options]
    return tag("label", f"{label} ", tag("select", inner, id=name))


def _map_data(snapshot: Snapshot) -> dict[str, object]:
    kept = ("ids", "labels", "classes", "groups", "clusters", "maps", "shown")
    return {key: snapshot[key] for key in kept}  # type: ignore[literal-required]
