from __future__ import annotations

import json
import re

import pytest

from tests.report.fixtures import MALICE
from vicreg_core.report.markup import Markup, json_script, tag


def test_text_and_attributes_are_escaped_and_markup_is_not():
    made = tag("p", MALICE, tag("b", 1.5), title=MALICE, class_="x", hidden=True, id=None)
    assert "<script" not in made
    assert "<img" not in made
    assert made.endswith("<b>1.5</b></p>")
    assert made.startswith('<p title="&lt;/script&gt;')
    assert ' class="x" hidden>' in made


def test_json_cannot_end_its_element():
    value = {"a": MALICE, "b": ["<!--", "&amp;"]}
    made = json_script("data", value)
    inside = re.fullmatch(r'<script type="application/json" id="data">(.*)</script>', made)
    assert inside is not None
    assert not set("<>&") & set(inside.group(1))
    assert json.loads(inside.group(1)) == value


def test_json_of_no_number_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        json_script("data", float("nan"))


def test_nested_rows_are_joined_in_order():
    assert tag("ul", [tag("li", i) for i in range(2)], None, ["<"]) == Markup(
        "<ul><li>0</li><li>1</li>&lt;</ul>"
    )
