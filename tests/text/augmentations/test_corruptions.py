"""Graded damage to documents: worse by severity, keyed by document, as a typist or a scanner would do it."""

from __future__ import annotations

from difflib import SequenceMatcher

import pytest
import torch
from torch import Tensor

from tests.text.conftest import sentences
from vicreg_core.contracts.keys import Keys, hash_ids
from vicreg_core.contracts.severity import SEVERITIES
from vicreg_text.augmentations import positives, spans
from vicreg_text.augmentations.config import PositivesConfig, SpansConfig
from vicreg_text.augmentations.corruptions import STRENGTHS, SUMMARIES
from vicreg_text.augmentations.typos import mistype
from vicreg_text.datasets.adapter import TextDataset

NAMES = list(SUMMARIES)


def keys_of(n: int, seed: int = 0) -> Keys:
    return Keys.of(seed, 0, hash_ids(list(range(n))), 0)


def ids_of(view: dict[str, Tensor]) -> list[list[int]]:
    return [ids[mask].tolist() for ids, mask in zip(view["ids"], view["mask"], strict=True)]


def unlikeness(first: list[list[int]], second: list[list[int]]) -> float:
    ratios = [SequenceMatcher(None, a, b, autojunk=False).ratio() for a, b in zip(first, second, strict=True)]
    return 1 - sum(ratios) / len(ratios)


@pytest.mark.parametrize("name", NAMES)
def test_the_distortion_grows_with_severity(corpus: TextDataset, name: str) -> None:
    views = spans.build(SpansConfig(), corpus.info)
    batch, keys = corpus.__getitems__(range(60)), keys_of(60)
    clean = ids_of(views(batch))
    changes = [
        unlikeness(clean, ids_of(views.corrupt(batch, name, severity, keys))) for severity in SEVERITIES
    ]
    assert changes[0] > 0
    assert changes == sorted(set(changes))


@pytest.mark.parametrize("name", NAMES)
def test_views_keep_their_form_and_the_batch_is_left_alone(corpus: TextDataset, name: str) -> None:
    views = positives.build(PositivesConfig(), corpus.info)
    batch = corpus.__getitems__(range(60))
    before = {key: tensor.clone() for key, tensor in batch.items()}
    made = views.corrupt(batch, name, 5, keys_of(60))
    assert all(torch.equal(batch[key], before[key]) for key in before)
    assert made["ids"].dtype == torch.int64
    assert made["mask"].dtype == torch.bool
    assert made["ids"].shape == made["mask"].shape == (60, max(map(len, ids_of(made))))
    assert min(map(len, ids_of(made))) >= 1
    assert made["ids"].max() < corpus.info.facts["vocab_size"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rows", [[5], [7, 3], list(range(59, -1, -1))])
def test_a_document_is_damaged_alike_in_any_batch(corpus: TextDataset, name: str, rows: list[int]) -> None:
    views, keys = spans.build(SpansConfig(), corpus.info), keys_of(60)
    whole = ids_of(views.corrupt(corpus.__getitems__(range(60)), name, 4, keys))
    part = ids_of(views.corrupt(corpus.__getitems__(rows), name, 4, keys[torch.tensor(rows)]))
    assert part == [whole[row] for row in rows]


@pytest.mark.parametrize("name", ["typos", "token-loss", "shuffling"])
def test_seeds_differ(corpus: TextDataset, name: str) -> None:
    views, batch = spans.build(SpansConfig(), corpus.info), corpus.__getitems__(range(60))
    first, again, other = (
        ids_of(views.corrupt(batch, name, 3, keys_of(60, seed=seed))) for seed in (0, 0, 1)
    )
    assert first == again != other


def test_tokens_are_lost_moved_or_cut_as_said(corpus: TextDataset) -> None:
    views = spans.build(SpansConfig(), corpus.info)
    batch, keys = corpus.__getitems__(range(60)), keys_of(60)
    clean = ids_of(views(batch))
    for severity in SEVERITIES:
        moved = ids_of(views.corrupt(batch, "shuffling", severity, keys))
        assert [sorted(ids) for ids in moved] == [sorted(ids) for ids in clean]
        cut, share = (
            ids_of(views.corrupt(batch, "truncation", severity, keys)),
            STRENGTHS["truncation"][severity - 1],
        )
        for short, ids in zip(cut, clean, strict=True):
            assert short == ids[: len(short)]
            assert len(short) == pytest.approx(share * len(ids), abs=1)
    lost = ids_of(views.corrupt(batch, "token-loss", 4, keys))
    assert sum(map(len, lost)) == pytest.approx(0.5 * sum(map(len, clean)), rel=0.06)


def test_shuffling_moves_no_token_further_than_its_reach() -> None:
    from vicreg_text.augmentations.corruptions import corrupt_documents
    from vicreg_text.augmentations.ragged import Ragged

    documents = Ragged.of({"length": torch.tensor([40, 1, 25]), "tokens": torch.arange(66)})
    for severity in (1, 2, 3, 4):
        moved = corrupt_documents(documents, "shuffling", severity, keys_of(3), no_tokenizer).tokens
        distance = (moved - torch.arange(66)).abs().max()
        assert 0 < distance <= STRENGTHS["shuffling"][severity - 1]


def no_tokenizer() -> None:
    raise AssertionError("ids are enough here")


def test_documents_are_cut_to_the_evaluations_length_before_and_after(corpus: TextDataset) -> None:
    views = spans.build(SpansConfig(evaluation_tokens=6), corpus.info)
    batch = corpus.__getitems__(range(60))
    clean = views(batch)
    for name in NAMES:
        made = views.corrupt(batch, name, 5, keys_of(60))
        assert made["ids"].shape[1] <= 6
    moved = ids_of(views.corrupt(batch, "shuffling", 5, keys_of(60)))
    assert [sorted(ids) for ids in moved] == [sorted(ids) for ids in ids_of(clean)]


def test_without_a_slip_decoding_and_tokenising_is_the_identity(
    corpus: TextDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vicreg_text.augmentations.corruptions.mistype", lambda texts, share, keys: texts)
    views, batch = spans.build(SpansConfig(), corpus.info), corpus.__getitems__(range(60))
    assert ids_of(views.corrupt(batch, "typos", 5, keys_of(60))) == ids_of(views(batch))


TEXTS = [row["text"] for row in sentences(60)]


@pytest.mark.parametrize("share", STRENGTHS["typos"])
def test_so_many_characters_are_mistyped(share: float) -> None:
    letters = mistype(["k"] * 20_000, share, keys_of(20_000))
    # A letter by itself has none to be exchanged with: three slips of four are seen.
    assert sum(letter != "k" for letter in letters) / 20_000 == pytest.approx(0.75 * share, rel=0.15)


def test_slips_are_those_of_a_typist() -> None:
    slips = {mistype(["cat"], 0.3, keys_of(1, seed))[0] for seed in range(3000)}
    assert {"cat", "act", "cta", "at", "ct", "ca", "ccat", "caat", "catt"} <= slips
    assert {"xat", "vat", "cst", "cay", "car"} <= slips
    assert not {"kat", "cot", "cap"} & slips
    assert "XAT" in {mistype(["CAT"], 0.3, keys_of(1, seed))[0] for seed in range(300)}


def test_any_text_can_be_mistyped() -> None:
    texts = ["", " ", "a", "\U0001f600", "日本語", "e\u0301", "tab\tand\nline", ""]
    for share in (0.0, 0.2, 1.0):
        typed = mistype(texts, share, keys_of(8))
        assert len(typed) == 8
        assert typed[0] == typed[7] == ""
        assert typed[1] == " "
    assert mistype(texts, 0.0, keys_of(8)) == texts
    assert mistype([], 0.5, keys_of(0)) == []


def test_a_text_is_mistyped_alike_beside_any_other() -> None:
    keys = keys_of(60)
    whole = mistype(TEXTS, 0.1, keys)
    assert [mistype([TEXTS[i]], 0.1, keys[i])[0] for i in range(60)] == whole
    assert whole != TEXTS


def test_wrong_names_and_severities_are_refused(corpus: TextDataset) -> None:
    views, batch = spans.build(SpansConfig(), corpus.info), corpus.__getitems__(range(2))
    with pytest.raises(ValueError, match=r"no corruption 'fog' \(there are: typos, "):
        views.corrupt(batch, "fog", 1, keys_of(2))
    with pytest.raises(ValueError, match="1 to 5, got 9"):
        views.corrupt(batch, "typos", 9, keys_of(2))
