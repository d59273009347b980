"""Words, pairs of words and character n-grams as tokens."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vicreg_core.errors import DataError
from vicreg_text.tokens.config import TokenizerConfig
from vicreg_text.tokens.grams import grams, train_grams, words
from vicreg_text.tokens.tokenizer import (
    MASK,
    PAD,
    Vocabulary,
    encode,
    parse_tokenizer,
    train_tokenizer,
    unknown_id,
)

TEXTS = ["My card has not arrived", "my card was stolen!", "Where is my card?"]
CONFIG = TokenizerConfig(kind="grams", vocab_size=300)


def names_of(tokenizer, text: str) -> list[str]:
    by_id = {index: token for token, index in tokenizer.get_vocab(with_added_tokens=True).items()}
    return [by_id[index] for index in encode(tokenizer, text)]


def test_a_text_is_its_words_their_pairs_and_their_character_n_grams():
    tokenizer = train_tokenizer(TEXTS, CONFIG)
    expected = ["my", "~ my", "~my ", "~ my ", "card", *grams("card"), "my card"]
    assert sorted(names_of(tokenizer, "My card")) == sorted(expected)
    assert names_of(tokenizer, "My card")[-1] == "my card"
    assert list(words("Ｍy card, please", lowercase=True)) == ["my", "card", ",", "please"]


def test_a_word_that_is_not_known_still_has_n_grams_that_are():
    tokenizer = train_tokenizer(TEXTS, CONFIG)
    assert set(names_of(tokenizer, "discarded")) == {"~car", "~ard", "~card", "~ed "}
    assert encode(tokenizer, "xyzzy 9") == []
    assert unknown_id(tokenizer) is None


def test_it_is_kept_as_json_and_read_again():
    tokenizer = train_tokenizer(TEXTS, CONFIG)
    again = parse_tokenizer(tokenizer.to_str(pretty=True).encode())
    for text in (*TEXTS, "discarded card", ""):
        assert encode(again, text) == encode(tokenizer, text)
    vocabulary = Vocabulary.of(again)
    assert (vocabulary.pad_id, vocabulary.mask_id, vocabulary.prefix, vocabulary.suffix) == (0, 1, (), ())
    assert vocabulary.size == again.get_vocab_size(with_added_tokens=True)
    assert json.loads(tokenizer.to_str())["vocabulary"][:2] == [PAD, MASK]


def test_the_most_common_are_kept():
    small = train_grams(TEXTS, 8, [PAD, MASK], lowercase=True)
    assert set(list(small.vocabulary)[2:]) <= {"my", "card", "my card", *grams("my"), *grams("card")}
    assert len(small.vocabulary) == 8
    many = train_grams([*TEXTS * 400, "once"], 300, [PAD, MASK], lowercase=True)
    assert "once" not in many.vocabulary
    assert "stolen" in many.vocabulary


def test_a_person_reads_the_words():
    tokenizer = train_tokenizer(TEXTS, CONFIG)
    assert (
        tokenizer.decode(encode(tokenizer, "Where is my card?"), skip_special_tokens=False)
        == "where is my card ?"
    )


def test_case_may_matter():
    tokenizer = train_tokenizer(TEXTS, CONFIG.model_copy(update={"lowercase": False}))
    assert "My" in names_of(tokenizer, "My card")
    assert encode(tokenizer, "My") != encode(tokenizer, "my")


def test_documents_without_a_word():
    with pytest.raises(DataError, match="no word"):
        train_grams(["", "  "], 300, [PAD, MASK], lowercase=True)


@given(st.text(max_size=200))
def test_any_text_has_an_encoding_and_equal_texts_the_same(text: str):
    tokenizer = train_grams([*TEXTS, "ñandú 鸟 𝕏"], 300, [PAD, MASK], lowercase=True)
    ids = encode(tokenizer, text)
    assert all(2 <= index < 300 for index in ids)
    assert encode(tokenizer, text) == ids
