"""Neighbours as positives: beside a float64 reference, and never a document that is held out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from vicreg_core.contracts.keys import Keys
from vicreg_core.data.splits import open_data
from vicreg_core.recipes.schema import DataSection
from vicreg_text.augmentations import positives
from vicreg_text.augmentations.config import PositivesConfig
from vicreg_text.datasets.adapter import TextDataset
from vicreg_text.datasets.config import TableConfig
from vicreg_text.datasets.neighbours import Neighbours, nearest_documents
from vicreg_text.tokens.statistics import IDF, VECTORS, read_asset

Open = Callable[..., TextDataset]
ALL = np.arange(60)
MOST = 1000


def found(data: TextDataset, k: int, among: np.ndarray = ALL, most: int = MOST) -> list[list[int]]:
    neighbours = nearest_documents(data.tokens, data.documents.key, data.info.assets, k, among, most)
    rows, present = neighbours.of(np.arange(len(data)))
    return [row[there].tolist() for row, there in zip(rows, present, strict=True)]


def similarities(data: TextDataset) -> np.ndarray:
    """``(n, n) float64`` cosines, token by token."""
    idf, table = (read_asset(data.info.assets[name]).astype(np.float64) for name in (IDF, VECTORS))
    vectors = np.zeros((len(data), table.shape[1]))
    for row in range(len(data)):
        for token in set(data[row]):
            vectors[row] += (1 + np.log(data[row].count(token))) * idf[token] * table[token]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors @ vectors.T


def test_neighbours_are_the_nearest_by_latent_semantic_analysis(jsonl: Path, open_table: Open) -> None:
    data = open_table(jsonl, token_vectors=16)
    cosines = similarities(data)
    np.fill_diagonal(cosines, -2)
    for row, nearest in enumerate(found(data, 3)):
        assert len(nearest) == 3
        assert cosines[row, nearest] == pytest.approx(np.sort(cosines[row])[::-1][:3], abs=1e-5)


def test_documents_that_are_not_trained_on_are_nobodys_neighbours(jsonl: Path, open_table: Open) -> None:
    data, among = open_table(jsonl, token_vectors=16), np.array([1, 4, 9, 30])
    each = found(data, 5, among)
    for row, nearest in enumerate(each):
        assert set(nearest) == (set(among) - {row} if row in among else set())


def test_of_a_large_corpus_a_part_is_searched(jsonl: Path, open_table: Open) -> None:
    each = found(open_table(jsonl, token_vectors=16), 4, most=6)
    searched = set(np.linspace(0, 59, 6).astype(int))
    assert set().union(*map(set, each)) == searched
    assert all(row not in nearest for row, nearest in enumerate(each))
    assert {len(nearest) for nearest in each} == {4}


def test_a_document_that_says_nothing_has_no_neighbour(jsonl: Path, open_table: Open) -> None:
    data = open_table(jsonl, token_vectors=16)
    silent = {IDF: data.info.assets[IDF], VECTORS: _zeroed(data, data[7])}
    key = data.documents.key
    _, present = nearest_documents(data.tokens, key, silent, 2, ALL, MOST).of(np.array([7]))
    assert not present.any()


def _zeroed(data: TextDataset, tokens: list[int]) -> bytes:
    import io

    table = read_asset(data.info.assets[VECTORS]).copy()
    table[tokens] = 0
    buffer = io.BytesIO()
    np.save(buffer, table)
    return buffer.getvalue()


def test_samples_that_are_held_out_come_into_no_view(jsonl: Path) -> None:
    keys = {"train": str(jsonl), "text": "text", "label": "topic", "neighbours": 5, "token_vectors": 16}
    section = DataSection.model_validate({"name": "text/table", "holdout": 0.5})
    config = TableConfig.model_validate({**keys, "tokenizer": {"vocab_size": 400}})
    train, held = open_data(section, config, seed=0)
    assert held is not None
    own = {tuple(train[i]) for i in range(len(train))}
    batch = train.__getitems__(np.arange(len(train)))
    parts = torch.split(batch["partner_tokens"], batch["partner_length"].flatten().tolist())
    partners = {tuple(part.tolist()) for part in parts}
    assert batch["partner_length"].shape == (len(train), 5)
    assert (batch["partner_length"] > 0).all()
    assert partners <= own
    assert not partners & {tuple(held[i]) for i in range(len(held))}


def test_a_share_of_the_views_is_of_a_neighbour(jsonl: Path, open_table: Open) -> None:
    data = open_table(jsonl, token_vectors=16, neighbours=2)
    batch = data.__getitems__(ALL)
    config = PositivesConfig(min_fraction=1, max_fraction=1, max_tokens=1000, partner_share=0.25)
    augment, own = positives.build(config, data.info), 0
    for epoch in range(20):
        view = augment(batch, Keys.of(0, epoch, torch.arange(60), 1))
        kept = [ids[mask].tolist() for ids, mask in zip(view["ids"], view["mask"], strict=True)]
        own += sum(tokens == data[i] for i, tokens in enumerate(kept))
    assert own / 1200 == pytest.approx(0.75, abs=0.05)


def test_a_model_reads_documents_without_neighbours(jsonl: Path, open_table: Open) -> None:
    data = open_table(jsonl, token_vectors=16, neighbours=2)
    assert isinstance(data._partners, Neighbours)
    batch = data.for_model(data.info).__getitems__([0, 1])
    assert (batch["partner_length"] == 0).all()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"neighbours": 3}, "set data.token_vectors=256"),
        ({"neighbours": 3, "token_vectors": 16, "positives": "author"}, "set one to none"),
        ({"neighbours": 65, "token_vectors": 16}, "less than or equal to 64"),
    ],
)
def test_mistakes_in_a_recipe_are_refused(keys: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TableConfig.model_validate({"train": "a.csv", "text": "text", **keys})
