from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tests.report.fixtures import MALICE, RECIPE, evaluation, metrics, record, snapshot
from vicreg_core.report.compare import render_comparison
from vicreg_core.report.page import render_run
from vicreg_core.report.sections.collapse import STD_EDGES
from vicreg_core.training import diagnostics

VOID = {"meta", "link", "img", "line", "rect", "path", "circle", "br", "input"}


class Outline(HTMLParser):
    """Checks that elements nest; collects ids, elements and where they point."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src"):
                self.links.append(value)
            if name.startswith("on"):
                self.handlers.append(name)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def test_a_whole_page_nests_and_needs_no_network():
    page = render_run(record())
    outline = Outline(page)
    assert len(outline.ids) == len(set(outline.ids))
    assert all(link.startswith(("#", "data:")) for link in outline.links)
    assert {link[1:] for link in outline.links if link.startswith("#")} <= set(outline.ids)
    outside = page.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|@import|url\(", outside)


def test_the_page_shows_all_that_is_known():
    page = render_run(record())
    anchors = "result loss collapse labels map neighbours views classes time recipe environment"
    for anchor in anchors.split():
        assert f'<section id="{anchor}">' in page
    assert "83.0\u202f%" in page
    assert "random-initialised encoder" in page
    assert "batch_size: 256" in page


@pytest.mark.parametrize("text", [False, True])
def test_nothing_in_data_becomes_markup(text):
    bad = snapshot(40, [MALICE, "b"], text=text, groups=True)
    bad["ids"] = [f"{MALICE}{i}" for i in range(40)]
    bad["groups"] = [MALICE] * 40
    recipe = {**RECIPE, "summary": MALICE, "data": {"name": MALICE}}
    page = render_run(
        record(
            name=MALICE,
            recipe=recipe,
            recipe_text=MALICE,
            environment={MALICE: MALICE},
            evaluation={**evaluation(classes=[MALICE, "b"]), "notes": [MALICE]},
            snapshot=bad,
            missing=[MALICE],
        )
    )
    harmless = Outline(render_run(record(snapshot=bad | {"ids": ["x"] * 40})))
    outline = Outline(page)
    assert outline.tags.count("script") == harmless.tags.count("script") == 3
    assert outline.handlers == []
    assert "x" not in outline.links
    assert "<script>alert" not in page


def test_comparisons_escape_too():
    page = render_comparison([record(name=MALICE), record(name="b", recipe={**RECIPE, "seed": MALICE})])
    assert "<script>alert" not in page
    assert Outline(page).handlers == []


@pytest.mark.parametrize(
    "changes",
    [
        {"metrics": [], "evaluation": None, "snapshot": None, "environment": {}, "phases": []},
        {
            "evaluation": {
                "protocols": {"knn": {"skipped": "it needs labels, and the data has none"}},
                "baselines": {},
            }
        },
        {"snapshot": snapshot(30, labelled=False)},
        {"snapshot": {**snapshot(30), "shown": {}, "views": [], "neighbours": []}},
        {"metrics": metrics(1)},
        {"metrics": [{"step": 1, "loss": None, "epoch": 0.1}]},
        {"evaluation": {**evaluation(), "baselines": {}}},
    ],
)
def test_what_is_missing_is_left_out(changes):
    Outline(render_run(record(**changes)))


def test_a_skipped_protocol_says_why():
    scores = {"protocols": {"knn": {"skipped": "it needs labels, and the data has none"}}, "baselines": {}}
    assert "was skipped: it needs labels, and the data has none" in render_run(record(evaluation=scores))


def test_the_covariance_floor_is_drawn_and_explained():
    page = render_run(record())
    assert "no branch gets below 1.00" in page
    assert re.search(r'class="key k7 dashed"></i>floor', page)


def test_a_comparison_holds_scores_curves_and_differing_keys_only():
    other = record(name="other", evaluation=evaluation(0.6), recipe={**RECIPE, "seed": 7})
    page = render_comparison([record(), other])
    assert Outline(page).tags.count("svg") == 8
    assert '<span class="best">83.0' in page
    assert '<span class="best">60.0' not in page
    assert '<th scope="row">seed</th>' in page
    assert "train.batch_size" not in page
    assert "not of the same data" not in page
    elsewhere = record(recipe={**RECIPE, "data": {"name": "vision/digits"}}, evaluation=evaluation(0.6))
    assert "not of the same data" in render_comparison([record(), elsewhere])


def test_runs_of_one_name_are_told_apart():
    page = render_comparison([record(), record()])
    assert "pictures (1)" in page
    assert "pictures (2)" in page
    assert "The recipes are the same." in page


def test_long_metrics_stay_small():
    page = render_run(record(metrics=metrics(20_000), snapshot=None))
    assert len(page) < 300_000


def test_spread_probe_rank_and_robustness_are_drawn_where_they_were_measured():
    page = render_run(record())
    said = ("Spread by dimension, embedding", "Online probe", "RankMe", "Each corruption, this encoder")
    assert [each in page for each in said] == [True] * 4
    plain = [
        {k: v for k, v in each.items() if "histogram" not in k and "probe" not in k} for each in metrics()
    ]
    without = evaluation()
    for results in (without["protocols"], *without["baselines"].values()):
        results.pop("rank", None)
        results.pop("robustness", None)
    page = render_run(record(metrics=plain, evaluation=without))
    assert [each in page for each in said] == [False] * 4


def test_the_bins_are_those_of_training():
    assert list(diagnostics.STD_EDGES) == STD_EDGES
