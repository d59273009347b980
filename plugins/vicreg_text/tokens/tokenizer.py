"""Tokenizers: byte-level BPE trained on a corpus, or the one of a pretrained encoder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from vicreg_core.errors import DataError
from vicreg_text.hub import NO_CODE, opened
from vicreg_text.tokens.config import TokenizerConfig
from vicreg_text.tokens.grams import KIND, GramTokenizer, train_grams

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PAD, MASK = "[PAD]", "[MASK]"
FILE = "tokenizer.json"

_PIECE = 8192
_BETWEEN_WORDS = re.compile(r"(?<=\S)\s(?=\S)")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What views and encoders must know of a tokenizer; JSON values for ``DataInfo.facts``.

    Attributes:
        size: number of token ids, padding included.
        pad_id: fills up short sequences; encoders ignore it by the mask.
        mask_id: stands for a hidden token; the padding id where a tokenizer has no mask token.
        prefix, suffix: ids a pretrained encoder expects around every sequence, e.g. ``[CLS]`` and ``[SEP]``.
    """

    size: int
    pad_id: int
    mask_id: int
    prefix: tuple[int, ...] = ()
    suffix: tuple[int, ...] = ()

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Vocabulary:
        """Read off a tokenizer's own special tokens and post-processor."""
        pad = _first_id(tokenizer, (PAD, "<pad>", "<|pad|>", "[pad]", "</s>", "<|endoftext|>"), 0)
        mask = _first_id(tokenizer, (MASK, "<mask>", "[mask]"), pad)
        bare = tokenizer.encode("a", add_special_tokens=False).ids
        full = tokenizer.encode("a", add_special_tokens=True).ids
        before = next((i for i in range(len(full)) if full[i : i + len(bare)] == bare), 0)
        return cls(
            size=max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1,
            pad_id=pad,
            mask_id=mask,
            prefix=tuple(full[:before]),
            suffix=tuple(full[before + len(bare) :]),
        )

    @classmethod
    def of_facts(cls, facts: Any) -> Vocabulary:
        """From what :meth:`facts` wrote, e.g. out of a saved model's ``config.json``."""
        return cls(
            facts["vocab_size"],
            facts["pad_id"],
            facts["mask_id"],
            tuple(facts["prefix"]),
            tuple(facts["suffix"]),
        )

    def facts(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "vocab_size": self.size,
            "pad_id": self.pad_id,
            "mask_id": self.mask_id,
            "prefix": list(self.prefix),
            "suffix": list(self.suffix),
        }


def _first_id(tokenizer: Tokenizer, names: tuple[str, ...], default: int) -> int:
    ids = (tokenizer.token_to_id(name) for name in names)
    return next((i for i in ids if i is not None), default)


def unknown_id(tokenizer: Tokenizer) -> int | None:
    """The id of whatever the tokenizer does not know; a byte-level one knows all and has none."""
    found = _first_id(tokenizer, ("[UNK]", "<unk>", "[unk]"), -1)
    return None if found < 0 else found


def parted(text: str) -> Iterator[str]:
    """A text in pieces of at most 8,192 characters, so that a tokenizer's memory and time stay bounded.

    The cuts lie before a single space between two words, where a tokenizer that splits at spaces cuts as
    well, so that the tokens are those of the whole; a longer run without a space is cut where it must be.
    """
    start = 0
    while len(text) - start > _PIECE:
        places = [found.start() for found in _BETWEEN_WORDS.finditer(text, start + 1, start + _PIECE)]
        stop = places[-1] if places else start + _PIECE
        yield text[start:stop]
        start = stop
    yield text[start:]


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    """The token ids of a text of any length, without special tokens."""
    return [
        token for piece in parted(text) for token in tokenizer.encode(piece, add_special_tokens=False).ids
    ]


def train_tokenizer(texts: Iterable[str], config: TokenizerConfig) -> Tokenizer:
    """A byte-level BPE (Sennrich et al., arXiv:1508.07909), to which no text is unknown, or grams."""
    if config.kind == "grams":
        made = train_grams(texts, config.vocab_size, [PAD, MASK], lowercase=config.lowercase)
        return cast("Tokenizer", made)
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from tokenizers.decoders import ByteLevel
    from tokenizers.trainers import BpeTrainer

    tokenizer = Tokenizer(models.BPE())
    steps = [normalizers.NFC(), *([normalizers.Lowercase()] if config.lowercase else [])]
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = ByteLevel()
    trainer = BpeTrainer(
        vocab_size=config.vocab_size,
        special_tokens=[PAD, MASK],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((piece for text in texts for piece in parted(text)), trainer)
    return tokenizer


def pretrained_tokenizer(name: str) -> Tokenizer:
    """The fast tokenizer of a hub id or a local folder.

    Raises:
        DataError: where transformers is missing, or the name cannot be opened, or has no fast tokenizer.
    """
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise DataError(
            f"data.tokenizer.pretrained={name!r} needs transformers: pip install 'vicreg-suite[text]'"
        ) from None
    loaded = opened(
        f"data.tokenizer.pretrained={name!r}",
        lambda: AutoTokenizer.from_pretrained(name, use_fast=True, **NO_CODE),
    )
    if not getattr(loaded, "is_fast", False):
        raise DataError(f"data.tokenizer.pretrained={name!r} has no fast tokenizer (tokenizer.json)")
    tokenizer: Tokenizer = loaded.backend_tokenizer
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def parse_tokenizer(asset: bytes) -> Tokenizer:
    """A tokenizer from the content of its ``tokenizer.json``."""
    from tokenizers import Tokenizer

    text = asset.decode("utf-8")
    if text.startswith(f'{{"kind": "{KIND}"'):
        return cast("Tokenizer", GramTokenizer.of(json.loads(text)))
    return Tokenizer.from_str(text)
