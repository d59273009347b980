from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor

from vicreg_core.contracts import DataInfo
from vicreg_core.contracts.keys import Keys, hash_ids
from vicreg_core.errors import DataError
from vicreg_text.augmentations import adjacent, positives, spans, whole
from vicreg_text.augmentations.config import (
    AdjacentConfig,
    PositivesConfig,
    SpansConfig,
    ViewConfig,
    WholeConfig,
)
from vicreg_text.augmentations.hiding import hide_tokens
from vicreg_text.augmentations.ragged import Ragged, padded
from vicreg_text.datasets.adapter import TextDataset
from vicreg_text.datasets.config import TokenizerConfig
from vicreg_text.tokens.tokenizer import Vocabulary

PLAIN = Vocabulary(size=100, pad_id=0, mask_id=1)
SPECIAL = Vocabulary(size=100, pad_id=0, mask_id=1, prefix=(98,), suffix=(99,))
LENGTHS = [30, 1, 7, 100, 2]


def documents(lengths: list[int]) -> dict[str, Tensor]:
    """Tokens count up from 2 within each document."""
    flat = torch.cat([torch.arange(2, 2 + n) for n in lengths]).int()
    return {"length": torch.tensor(lengths), "tokens": flat}


def keys(n: int, view: int = 0, epoch: int = 0) -> Keys:
    return Keys.of(0, epoch, hash_ids(list(range(n))), view)


def rows(view: dict[str, Tensor]) -> list[list[int]]:
    return [ids[mask].tolist() for ids, mask in zip(view["ids"], view["mask"], strict=True)]


@pytest.mark.parametrize("vocabulary", [PLAIN, SPECIAL])
def test_padded_views_hold_the_span_between_special_tokens(vocabulary: Vocabulary) -> None:
    start, length = torch.tensor([3, 0, 0, 90, 0]), torch.tensor([5, 1, 7, 10, 2])
    view = padded(Ragged.of(documents(LENGTHS)), start, length, vocabulary)
    expected = [
        [*vocabulary.prefix, *range(2 + s, 2 + s + n), *vocabulary.suffix]
        for s, n in zip(start.tolist(), length.tolist(), strict=True)
    ]
    assert rows(view) == expected
    assert view["ids"].shape[1] == max(map(len, expected))
    assert (view["ids"][~view["mask"]] == vocabulary.pad_id).all()


def test_an_empty_document_is_only_padding() -> None:
    view = padded(Ragged.of(documents([0, 0])), torch.zeros(2).long(), torch.zeros(2).long(), PLAIN)
    assert view["ids"].shape == (2, 1)
    assert not view["mask"].any()


def test_random_spans_are_inside_and_as_long_as_asked() -> None:
    config = SpansConfig(min_fraction=0.2, max_fraction=0.5, min_tokens=4, max_tokens=20)
    document = torch.tensor(LENGTHS * 400)
    start, length = spans.random_span(document, keys(len(document)), config)
    assert (start >= 0).all()
    assert (start + length <= document).all()
    thirty, hundred = length[0::5], length[3::5]
    assert (thirty.min(), thirty.max()) == (6, 15)
    assert hundred.max() == 20
    assert (length[1::5] == 1).all()
    assert set(start[0::5].tolist()) == set(range(25))


@pytest.mark.parametrize(
    ("module", "config"),
    [
        (spans, SpansConfig(token_dropout=0.2)),
        (spans, SpansConfig(cutoff=0.3)),
        (whole, WholeConfig(token_dropout=0.2, hide="mask")),
        (adjacent, AdjacentConfig(min_tokens=1)),
        (positives, PositivesConfig()),
    ],
    ids=["dropout", "cutoff", "whole", "adjacent", "positives"],
)
def test_views_hang_on_the_sample_not_on_its_batch(
    corpus: TextDataset, module: ModuleType, config: ViewConfig
) -> None:
    augment = module.build(config, corpus.info)
    ids = hash_ids(corpus.ids)

    def view(indices: list[int], epoch: int) -> list[list[int]]:
        batch = augment(corpus.__getitems__(indices), Keys.of(0, epoch, ids[indices], 1))
        assert isinstance(batch, dict)
        return rows(batch)

    some = [5, 40, 17, 8, 9]
    first = view(some, 3)
    assert first == view(some, 3) == [view([i], 3)[0] for i in some]
    assert any(view(some, epoch) != first for epoch in range(4, 9))


@pytest.mark.parametrize("hide", ["drop", "mask"])
@pytest.mark.parametrize("vocabulary", [PLAIN, SPECIAL])
def test_hiding(hide: str, vocabulary: Vocabulary) -> None:
    n = 3000
    document = Ragged.of(documents([20] * n))
    whole_ = padded(document, torch.zeros(n).long(), torch.full((n,), 20), vocabulary)
    config = ViewConfig(token_dropout=0.3, hide=hide)
    view = hide_tokens(whole_, keys(n), config, vocabulary)
    hidden = (view["mask"] != whole_["mask"]) if hide == "drop" else (view["ids"] != whole_["ids"])
    before = len(vocabulary.prefix)
    assert hidden[:, before : before + 20].float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert not hidden[:, :before].any()
    assert not hidden[:, before + 20 :].any()
    cut = hide_tokens(whole_, keys(n), ViewConfig(cutoff=0.25, hide=hide), vocabulary)
    gone = (cut["mask"] != whole_["mask"]) if hide == "drop" else (cut["ids"] != whole_["ids"])
    assert (gone.sum(1) == 5).all()
    first = gone.int().argmax(1)
    assert all(gone[i, f : f + 5].all() for i, f in enumerate(first.tolist()))
    assert set(first.tolist()) == set(range(before, before + 16))


def test_hiding_leaves_something() -> None:
    one = padded(Ragged.of(documents([1] * 500)), torch.zeros(500).long(), torch.ones(500).long(), PLAIN)
    assert hide_tokens(one, keys(500), ViewConfig(token_dropout=0.9), PLAIN)["mask"].all()


def test_evaluation_view_is_the_document(corpus: TextDataset) -> None:
    for build, config in (
        (spans.build, SpansConfig(token_dropout=0.5)),
        (whole.build, WholeConfig(max_tokens=3)),
        (adjacent.build, AdjacentConfig()),
        (positives.build, PositivesConfig()),
    ):
        augment = build(config, corpus.info)  # type: ignore[operator]
        view = augment(corpus.__getitems__([4, 9]), None)
        assert rows(view) == [corpus[4], corpus[9]]
        shorter = build(config.model_copy(update={"evaluation_tokens": 2}), corpus.info)  # type: ignore[operator]
        assert rows(shorter(corpus.__getitems__([4]))) == [corpus[4][:2]]


def test_strings_take_the_road_of_the_corpus(corpus: TextDataset) -> None:
    augment = spans.build(SpansConfig(), corpus.info)
    texts = list(corpus.documents.texts())[:3]
    batch = augment.collate([augment.prepare(augment.ingest(text), None) for text in texts])
    assert isinstance(batch, dict)
    raw = corpus.__getitems__([0, 1, 2])
    assert isinstance(raw, dict)
    assert torch.equal(batch["tokens"], raw["tokens"])
    assert torch.equal(batch["length"], raw["length"])
    with pytest.raises(DataError, match="expected a string to encode, got int: 5"):
        augment.ingest(5)


def test_whole_is_a_twin_pass(corpus: TextDataset) -> None:
    augment = whole.build(WholeConfig(max_tokens=6), corpus.info)
    views = [augment(corpus.__getitems__([2, 8]), keys(2, view)) for view in (0, 1)]
    assert rows(views[0]) == rows(views[1]) == [corpus[2][:6], corpus[8][:6]]


def test_adjacent_views_meet_at_a_sentence_end(corpus: TextDataset) -> None:
    augment = adjacent.build(AdjacentConfig(max_tokens=1000, min_tokens=1), corpus.info)
    indices = list(range(60)) * 20
    batch = corpus.__getitems__(indices)
    many = Keys.of(0, 0, torch.arange(len(indices)), 0), Keys.of(0, 0, torch.arange(len(indices)), 1)
    before, after = (rows(augment(batch, k)) for k in many)
    ends = augment._ends
    assert isinstance(ends, Tensor)
    seen: dict[int, set[int]] = {}
    for i, (left, right) in zip(indices, zip(before, after, strict=True), strict=True):
        tokens = corpus[i]
        assert left + right == tokens
        possible = {p + 1 for p, token in enumerate(tokens[:-1]) if ends[token]}
        assert len(left) in (possible or {len(tokens) // 2})
        seen.setdefault(i, set()).add(len(left))
        if len(seen[i]) > 1:
            assert seen[i] <= possible
    assert any(len(lengths) > 2 for lengths in seen.values())


def test_adjacent_documents_too_short_to_part() -> None:
    lengths = torch.tensor([1, 2, 3])
    ragged = Ragged.of({"length": lengths, "tokens": torch.zeros(6, dtype=torch.int32)})
    boundary = adjacent._boundaries(ragged, torch.zeros(6, dtype=torch.bool), keys(3), 4)
    assert boundary.tolist() == [0, 1, 1]


def test_positives_take_another_row_with_the_same_key(corpus: TextDataset) -> None:
    config = PositivesConfig(min_fraction=1, max_fraction=1, max_tokens=1000)
    augment = positives.build(config, corpus.info)
    indices = list(range(60))
    batch = corpus.__getitems__(indices)
    ids = torch.arange(60)
    own = rows(augment(batch, Keys.of(0, 0, ids, 0)))
    assert own == [corpus[i] for i in indices]
    partners: dict[int, set[int]] = {i: set() for i in indices}
    by_tokens = {tuple(corpus[i]): i for i in indices}
    for epoch in range(12):
        for i, tokens in enumerate(rows(augment(batch, Keys.of(0, epoch, ids, 1)))):
            partners[i].add(by_tokens[tuple(tokens)])
    assert all(
        found == {j for j in range(60) if j // 3 == i // 3 and j != i} for i, found in partners.items()
    )


def test_a_document_alone_is_its_own_partner(jsonl: Path, open_table: Callable[..., TextDataset]) -> None:
    data = open_table(jsonl, positives="name")
    config = PositivesConfig(min_fraction=1, max_fraction=1, max_tokens=1000)
    view = positives.build(config, data.info)(data.__getitems__([3, 4]), keys(2, view=1))
    assert rows(view) == [data[3], data[4]]


def test_positives_need_their_column(jsonl: Path, open_table: Callable[..., TextDataset]) -> None:
    with pytest.raises(DataError, match=r"data\.positives"):
        positives.build(PositivesConfig(), open_table(jsonl).info)


def test_text_views_need_text() -> None:
    with pytest.raises(DataError, match="need a text dataset"):
        spans.build(SpansConfig(), DataInfo(facts={"kind": "image"}))


def test_span_limits_in_order() -> None:
    with pytest.raises(ValueError, match="min_fraction <= max_fraction"):
        SpansConfig(min_fraction=0.9, max_fraction=0.1)


def test_views_are_shown_as_text(
    corpus: TextDataset, jsonl: Path, bert: Path, open_table: Callable[..., TextDataset]
) -> None:
    data = open_table(jsonl, tokenizer=TokenizerConfig(pretrained=str(bert)))
    text = next(iter(data.documents.texts()))
    for source in (corpus, data):
        augment = spans.build(SpansConfig(), source.info)
        batch = augment(source.__getitems__([0, 1]))
        assert isinstance(batch, dict)
        assert augment.show(batch)[0].replace(" ", "") == text.replace(" ", "")
        batch["mask"][0, 3:5] = False
        cut = augment.show(batch)[0]
        assert " … " in cut
        assert len(cut) < len(text)
    assert augment.show({"ids": batch["ids"], "mask": torch.zeros_like(batch["mask"])}) == ["", ""]
    hidden = spans.build(SpansConfig(token_dropout=0.5, hide="mask"), data.info)
    assert "[MASK]" in hidden.show(hidden(data.__getitems__([8]), keys(1)))[0]
