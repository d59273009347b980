"""Words, pairs of words and character n-grams as the tokens of a text, by a vocabulary of the corpus."""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from vicreg_core.errors import DataError

KIND = "grams"

_WORD = re.compile(r"\w+|[^\w\s]")
_LENGTHS = (3, 4, 5)
_GRAM = "~"
"""Before a character n-gram; words hold no such character beside others, pairs of words hold a space."""

_MOST_PAIRS = 2_000_000
_MOST_WORDS = 500_000
_OFTEN = 1_000


class Encoding(NamedTuple):
    """The tokens of one text, as the library ``tokenizers`` gives them."""

    ids: list[int]


@dataclass(frozen=True)
class GramTokenizer:
    """Turns a text into what is known of its words, their pairs and their character n-grams, in order.

    As fastText does (Bojanowski et al., arXiv:1607.04606): a word that is not known still has n-grams that
    are. It offers what is used of ``tokenizers.Tokenizer``.

    Attributes:
        vocabulary: id by token.
        lowercase: fold case first.
    """

    vocabulary: Mapping[str, int]
    lowercase: bool = True
    _of_word: dict[str, list[int]] = field(default_factory=dict, repr=False, compare=False)

    def encode(self, text: str, *, add_special_tokens: bool = False) -> Encoding:
        """The ids of a text: of each word itself, the pair with the word before it, its n-grams."""
        ids: list[int] = []
        before = ""
        for word in words(text, lowercase=self.lowercase):
            known = self._of_word.get(word)
            if known is None:
                if len(self._of_word) >= _MOST_WORDS:
                    self._of_word.clear()
                known = self._of_word[word] = self._ids_of(word)
            ids += known
            if (pair := self.vocabulary.get(f"{before} {word}")) is not None:
                ids.append(pair)
            before = word
        return Encoding(ids)

    def encode_batch(self, texts: Sequence[str], *, add_special_tokens: bool = False) -> list[Encoding]:
        """The ids of each of several texts."""
        return [self.encode(text) for text in texts]

    encode_batch_fast = encode_batch

    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool = False) -> str:
        """The words among the tokens, in order: what a person reads of a view."""
        names = (self._names[index] for index in ids)
        return " ".join(name for name in names if " " not in name and not name.startswith(_GRAM))

    def decode_batch(self, batch: Sequence[Sequence[int]], *, skip_special_tokens: bool = False) -> list[str]:
        """The words of each of several texts."""
        return [self.decode(ids) for ids in batch]

    def token_to_id(self, token: str) -> int | None:
        """The id of a token, or ``None``."""
        return self.vocabulary.get(token)

    def get_vocab(self, *, with_added_tokens: bool = True) -> Mapping[str, int]:
        """Id by token."""
        return self.vocabulary

    def get_vocab_size(self, *, with_added_tokens: bool = True) -> int:
        """How many tokens there are."""
        return len(self.vocabulary)

    def to_str(self, *, pretty: bool = False) -> str:
        """JSON, which :meth:`of` reads."""
        values = {"kind": KIND, "lowercase": self.lowercase, "vocabulary": list(self.vocabulary)}
        return json.dumps(values, ensure_ascii=False)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> GramTokenizer:
        """From what :meth:`to_str` wrote."""
        vocabulary = {name: index for index, name in enumerate(values["vocabulary"])}
        return cls(vocabulary, values["lowercase"])

    @cached_property
    def _names(self) -> list[str]:
        return list(self.vocabulary)

    def _ids_of(self, word: str) -> list[int]:
        found = (self.vocabulary.get(token) for token in (word, *grams(word)))
        return [index for index in found if index is not None]


def train_grams(texts: Iterable[str], size: int, special: Sequence[str], *, lowercase: bool) -> GramTokenizer:
    """The tokens that most documents hold: words, pairs of words and character n-grams alike.

    Args:
        texts: of the corpus.
        size: most tokens.
        special: names of the first ids.
        lowercase: fold case first.

    Raises:
        DataError: there is no word.
    """
    of_word, of_pair, documents = Counter[str](), Counter[str](), 0
    for text in texts:
        found = list(words(text, lowercase=lowercase))
        of_word.update(set(found))
        of_pair.update({f"{a} {b}" for a, b in itertools.pairwise(found)})
        documents += 1
        if len(of_pair) > _MOST_PAIRS:
            of_pair = Counter({pair: count for pair, count in of_pair.items() if count > 1})
    if not of_word:
        raise DataError("the documents hold no word")
    of_gram = Counter[str]()
    for word, count in of_word.items():
        for gram in set(grams(word)):
            of_gram[gram] += count
    least = 2 if documents >= _OFTEN else 1
    counts = [
        (count, token)
        for counter in (of_word, of_pair, of_gram)
        for token, count in counter.items()
        if count >= least
    ]
    counts.sort(key=lambda each: (-each[0], each[1]))
    chosen = [*special, *(token for _, token in counts[: size - len(special)])]
    return GramTokenizer({token: index for index, token in enumerate(chosen)}, lowercase)


def words(text: str, *, lowercase: bool) -> Iterator[str]:
    """The words and signs of a text."""
    text = unicodedata.normalize("NFKC", text)
    for found in _WORD.finditer(text.lower() if lowercase else text):
        yield found.group()


def grams(word: str) -> Iterator[str]:
    """The runs of three to five characters of a word between spaces, shorter than that whole."""
    whole = f" {word} "
    for length in _LENGTHS:
        for start in range(len(whole) - length + 1):
            yield _GRAM + whole[start : start + length]
