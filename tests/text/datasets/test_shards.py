"""``text/shards``: the documents of the stream, a sample everything is fitted to, and what is refused."""

from __future__ import annotations

import json

import pytest

from vicreg_core.contracts.stream import Broken
from vicreg_core.data.splits import open_data
from vicreg_core.errors import RecipeError
from vicreg_core.recipes.load import load_recipe

WORDS = [
    "river",
    "stone",
    "market",
    "engine",
    "winter",
    "letter",
    "garden",
    "signal",
    "copper",
    "winter",
    "harbour",
    "village",
]


def document(i):
    return " ".join(WORDS[(i * k + k) % len(WORDS)] for k in range(1, 12)) + f" case {i}"


def write(path, numbers):
    lines = [json.dumps({"title": f"about {i}", "body": document(i), "topic": f"t{i % 2}"}) for i in numbers]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path):
    for shard in range(3):
        write(tmp_path / f"part-{shard}.jsonl", range(50 * shard, 50 * (shard + 1)))
    write(tmp_path / "test.jsonl", range(900, 920))
    return tmp_path


def opened(folder, *overrides, stream=True):
    keys = [f"data.train={folder}/part-*.jsonl", "data.text=[title,body]", "data.tokenizer.vocab_size=300"]
    loaded = load_recipe("text/shards", [*keys, "data.token_vectors=0", *overrides])
    return open_data(loaded.recipe.data, loaded.configs["dataset"], 0, stream=stream)


def test_documents_are_the_joined_columns_in_order(folder):
    data, _ = opened(folder)
    assert len(data) == 150
    assert [each.content for each in data.read(2, 3, 5)] == [f"about {i}\n{document(i)}" for i in (103, 104)]
    assert data.info.facts["kind"] == "text"


def test_scores_are_taken_on_the_sample_or_on_shards_of_their_own(folder):
    with pytest.warns(UserWarning, match="a sample of 60 of the 150 samples of the stream"):
        train, test = opened(folder, "data.label=topic", "data.sample=60", stream=False)
    assert len(train) + len(test) == 60
    assert train.classes == ("t0", "t1")
    assert "part-1.jsonl:0" in {*train.ids, *test.ids}
    with pytest.warns(UserWarning, match="a sample of"):
        train, test = opened(
            folder, "data.label=topic", f"data.test={folder}/test.jsonl", "data.sample=60", stream=False
        )
    assert (len(train), len(test)) == (60, 20)
    assert test.labels.tolist() == [0, 1] * 10


def test_rows_that_hold_no_text_are_broken(folder):
    (folder / "part-3.jsonl").write_text(
        '{"title": 3, "body": "b"}\n{"title": "", "body": " "}\n{"title": "t"}\n'
    )
    data, _ = opened(folder, "data.on_error=skip")
    found = data.read(3, 0, 3)
    assert all(isinstance(each, Broken) for each in found)
    assert [each.reason for each in found] == [
        "column 'title' holds no text",
        "no text",
        "no column 'body' (data.text) among title",
    ]


def test_a_stream_has_no_partners(folder):
    for override in ("data.neighbours=4", "data.positives=topic"):
        with pytest.raises(RecipeError, match="documents of a stream are read in order and have no partners"):
            opened(folder, "data.token_vectors=64", override)
