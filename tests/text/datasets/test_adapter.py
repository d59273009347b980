from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from vicreg_core.contracts import DataInfo
from vicreg_core.errors import DataError
from vicreg_text.datasets import stdlib_docs
from vicreg_text.datasets.adapter import TextDataset
from vicreg_text.datasets.config import (
    StdlibDocsConfig,
    TokenizerConfig,
)
from vicreg_text.datasets.partners import Partners
from vicreg_text.tokens.statistics import IDF, VECTORS, read_asset
from vicreg_text.tokens.tokenizer import parse_tokenizer

Open = Callable[..., TextDataset]
SMALL = TokenizerConfig(vocab_size=400)


def texts_of(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text().splitlines()]


def test_a_corpus_of_short_texts_is_told_of_its_recipe(tmp_path: Path, open_table: Open) -> None:
    path = tmp_path / "questions.jsonl"
    rows = [{"text": f"where is my card number {i} now"} for i in range(60)]
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.warns(UserWarning, match="at most 7 tokens.*recipe text/short"):
        assert open_table(path).info
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_table(path, tokenizer=TokenizerConfig(kind="grams", vocab_size=400)).info


def test_a_batch_holds_the_tokens_of_its_documents(corpus: TextDataset, jsonl: Path) -> None:
    tokenizer = parse_tokenizer(corpus.info.assets["tokenizer.json"])
    wanted = [7, 3, 59, 3]
    batch = corpus.__getitems__(wanted)
    assert isinstance(batch, dict)
    parts = torch.split(batch["tokens"], batch["length"].tolist())
    texts = texts_of(jsonl)
    assert [tokenizer.decode(part.tolist()).strip() for part in parts] == [texts[i] for i in wanted]
    assert corpus[7] == parts[0].tolist()


def test_the_same_rows_in_every_format(jsonl: Path, tmp_path: Path, open_table: Open) -> None:
    import csv

    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [json.loads(line) for line in jsonl.read_text().splitlines()]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet", row_group_size=7)
    for name, delimiter in (("t.csv", ","), ("t.tsv", "\t")):
        with (tmp_path / name).open("w", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0].keys(), delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    reference = open_table(jsonl, label="topic", id="name", metadata=["author"])
    for name in ("t.parquet", "t.csv", "t.tsv"):
        data = open_table(tmp_path / name, label="topic", id="name", metadata=["author"])
        assert np.array_equal(data.tokens.flat, reference.tokens.flat)
        assert data.labels is not None
        assert reference.labels is not None
        assert np.array_equal(data.labels, reference.labels)
        assert list(data.ids) == list(reference.ids)
        assert data.metadata == reference.metadata
    assert reference.classes == ("animal", "metal")


def test_integer_classes_keep_their_order_and_class_labels_their_names(
    tmp_path: Path, open_table: Open
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"text": f"words of row {i}", "y": (2, 10, 9)[i % 3]} for i in range(12)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "plain.parquet")
    assert open_table(tmp_path / "plain.parquet", label="y").classes == ("2", "9", "10")
    features = {"info": {"features": {"y": {"_type": "ClassLabel", "names": ["ant", "bee"]}}}}
    named = pa.Table.from_pylist([{**row, "y": i % 2} for i, row in enumerate(rows)])
    pq.write_table(
        named.replace_schema_metadata({"huggingface": json.dumps(features)}), tmp_path / "named.parquet"
    )
    assert open_table(tmp_path / "named.parquet", label="y").classes == ("ant", "bee")


def test_several_columns_and_files(tmp_path: Path, open_table: Open) -> None:
    for part in range(2):
        rows = [{"title": f"title {part}{i}", "text": f"body {part}{i}"} for i in range(4)]
        (tmp_path / f"part{part}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    data = open_table(tmp_path / "part*.jsonl", text=["title", "text"])
    assert list(data.documents.texts())[4] == "title 10\nbody 10"
    assert np.asarray(data.ids).tolist() == list(range(8))


def test_derived_once_and_again_when_the_content_changes(
    jsonl: Path, open_table: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_table(jsonl).tokens.flat
    with monkeypatch.context() as patch:
        patch.setattr("vicreg_text.tokens.arrays.parse_tokenizer", lambda _: pytest.fail("tokenised again"))
        assert np.array_equal(open_table(jsonl).tokens.flat, first)
    jsonl.write_text(jsonl.read_text().replace("heron", "crane"))
    assert "crane" in next(iter(open_table(jsonl).documents.texts()))


def test_tokens_are_memory_mapped(corpus: TextDataset) -> None:
    assert isinstance(corpus.tokens.flat, np.memmap)
    assert corpus.tokens.flat.dtype == np.uint16


def test_test_split_is_read_by_the_training_tokenizer(jsonl: Path, tmp_path: Path, open_table: Open) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps({"text": "Quetzalcoatlus, unheard of", "topic": "metal"}) + "\n")
    train = open_table(jsonl, label="topic")
    test = open_table(jsonl, "test", test=str(other), label="topic")
    assert test.info.assets["tokenizer.json"] == train.info.assets["tokenizer.json"]
    decoded = parse_tokenizer(test.info.assets["tokenizer.json"]).decode(test[0])
    assert decoded.strip() == "quetzalcoatlus, unheard of"
    assert test.labels is not None
    assert test.labels.tolist() == [1]


def test_token_vectors_reconstruct_lsa(corpus: TextDataset) -> None:
    """The idf-weighted bag of the vectors spans what TF-IDF times its right singular vectors gives."""
    vectors, idf = read_asset(corpus.info.assets[VECTORS]), read_asset(corpus.info.assets[IDF])
    assert vectors.shape == (corpus.info.facts["vocab_size"], 16)
    assert idf.min() >= 1
    used = np.unique(corpus.tokens.flat)
    assert np.allclose(vectors.T @ vectors, np.eye(16), atol=1e-4)
    assert np.allclose(np.delete(vectors, used, axis=0), 0, atol=1e-6)


def test_more_vectors_than_documents(jsonl: Path, open_table: Open) -> None:
    with pytest.raises(DataError, match=r"data\.token_vectors is 64, but 60 documents"):
        _ = open_table(jsonl, token_vectors=64).info


def test_a_handful_of_documents_is_read_for_a_model(
    corpus: TextDataset, tmp_path: Path, open_table: Open
) -> None:
    """Nothing is fitted to them: neither a tokenizer nor more vectors than there are documents."""
    path = tmp_path / "new.jsonl"
    path.write_text(json.dumps({"text": "A heron, unheard of"}) + "\n")
    new = open_table(path, token_vectors=64).for_model(corpus.info)
    tokenizer = parse_tokenizer(corpus.info.assets["tokenizer.json"])
    assert tokenizer.decode(new[0]).strip() == "a heron, unheard of"
    assert new.metadata["tokens"] == [len(new[0])]
    assert new.info is corpus.info
    batch = new.__getitems__([0])
    assert isinstance(batch, dict)
    assert batch["partner_length"].tolist() == [[0, 0, 0, 0]]
    with pytest.raises(DataError, match="the model was trained on other data"):
        new.for_model(DataInfo(facts={"channels": 3}))


def test_floor_has_a_row_a_document(corpus: TextDataset) -> None:
    features = corpus.raw_features(np.array([3, 1]))
    assert features is not None
    assert features.dtype == np.float32
    assert np.allclose(features[0], corpus.raw_features(np.array([3]))[0], atol=1e-6)  # type: ignore[index]


def test_partners_share_the_key() -> None:
    keys = ["a", "b", None, "a", "a", "b", None, "a"]
    partners, present = Partners(keys, 2).of(np.arange(8))
    for i, key in enumerate(keys):
        found = partners[i][present[i]]
        others = 0 if key is None else keys.count(key) - 1
        assert len(found) == len(set(found)) == min(2, others)
        assert all(keys[j] == key and j != i for j in found)


def test_groups_keep_views_of_one_another_together(corpus: TextDataset) -> None:
    assert corpus.groups is not None
    assert len(np.unique(corpus.groups)) == 20


def test_a_group_is_named_alike_in_both_splits(jsonl: Path, tmp_path: Path, open_table: Open) -> None:
    """So that a leak between the splits is seen, and none where there is none."""
    other = tmp_path / "other.jsonl"
    rows = [{"text": f"text {i}", "author": author} for i, author in enumerate(["z", None, "a7"])]
    other.write_text("\n".join(map(json.dumps, rows)))
    train = open_table(jsonl, group="author")
    test = open_table(jsonl, "test", test=str(other), group="author")
    assert test.groups is not None
    assert train.groups is not None
    assert set(test.groups) & set(train.groups) == {"a7"}
    assert len(set(test.groups)) == 3


def test_stdlib_docs_need_no_network() -> None:
    data = stdlib_docs.build(StdlibDocsConfig(max_documents=200, tokenizer=SMALL), "train")
    assert data is not None
    assert len(data) == 200
    assert len(set(data.documents.texts())) == 200
    assert set(data.classes) <= set(stdlib_docs.FAMILIES)


def test_a_dataset_can_be_pickled_for_workers(corpus: TextDataset) -> None:
    for data in (corpus, corpus.for_model(corpus.info)):
        again = pickle.loads(pickle.dumps(data))
        assert list(again.ids) == list(corpus.ids)
        assert again.info == corpus.info
        assert again[0] == corpus[0]
