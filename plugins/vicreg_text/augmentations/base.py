"""What all text augmentations share: strings in, ragged batches between, padded views out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vicreg_core.contracts import Augmentation, Batch, DataInfo
from vicreg_core.contracts.keys import Keys, mix
from vicreg_core.errors import DataError
from vicreg_text.augmentations.config import ViewConfig
from vicreg_text.augmentations.corruptions import SUMMARIES, corrupt_documents
from vicreg_text.augmentations.hiding import hide_tokens
from vicreg_text.augmentations.ragged import Ragged, padded
from vicreg_text.tokens.tokenizer import FILE, Vocabulary, encode, parse_tokenizer, unknown_id

if TYPE_CHECKING:
    from tokenizers import Tokenizer


_BUCKETS = 512
"""Of tokens in what a decoder rebuilds."""


class TextAugmentation(Augmentation):
    """Makes padded views of ragged batches.

    A view is ``{"ids": (B, L) int64, "mask": (B, L) bool}``; ``mask`` is false on padding and on dropped
    tokens, and ``L`` is the longest view of the batch.

    Args:
        config: the recipe keys.
        info: of a text dataset: vocabulary facts and the asset ``tokenizer.json``.
    """

    corruptions = SUMMARIES

    def __init__(self, config: ViewConfig, info: DataInfo) -> None:
        super().__init__()
        if info.facts.get("kind") != "text":
            raise DataError("text augmentations need a text dataset (data.name: text/...)")
        self.config = config
        self.vocabulary = Vocabulary.of_facts(info.facts)
        self._tokenizer_json = info.assets[FILE]
        self._parsed: Tokenizer | None = None

    @property
    def _tokenizer(self) -> Tokenizer:
        """Parsed when first needed: a view needs ids alone."""
        if self._parsed is None:
            self._parsed = parse_tokenizer(self._tokenizer_json)
        return self._parsed

    def ingest(self, item: Any) -> list[int]:
        """The token ids of a string.

        Raises:
            DataError: for anything but a string.
        """
        if not isinstance(item, str):
            raise DataError(f"expected a string to encode, got {type(item).__name__}: {item!r:.60}")
        ids = encode(self._tokenizer, item)
        if not set(ids) - {unknown_id(self._tokenizer)}:
            warnings.warn(
                f"the tokenizer knows no token of {item!r:.60}; its vector says nothing of it: zeros, or the "
                "one that all such texts have",
                stacklevel=2,
            )
        return ids

    def collate(self, samples: Sequence[list[int]]) -> Batch:
        """A ragged batch, as text datasets give it."""
        lengths = torch.tensor([len(ids) for ids in samples], dtype=torch.int64)
        flat = torch.tensor([token for ids in samples for token in ids], dtype=torch.int32)
        return {"length": lengths, "tokens": flat}

    def forward(self, batch: Batch, keys: Keys | None = None) -> Batch:
        """One view of a ragged batch; ``keys=None``: the start of each document, nothing hidden."""
        assert isinstance(batch, dict)
        ragged = self.documents(batch, keys)
        if keys is None:
            return self._whole(self._readable(ragged))
        start, length = self.span(ragged, keys)
        view = padded(ragged, start, length, self.vocabulary)
        return hide_tokens(view, keys, self.config, self.vocabulary)

    def corrupt(self, batch: Batch, name: str, severity: int, keys: Keys) -> Batch:
        """The evaluation view of damaged documents, cut to ``evaluation_tokens`` before and after."""
        assert isinstance(batch, dict)
        documents = self._readable(self.documents(batch, None))
        damaged = corrupt_documents(documents, name, severity, keys, lambda: self._tokenizer)
        return self._whole(self._readable(damaged))

    def _readable(self, documents: Ragged) -> Ragged:
        """The documents up to the most tokens read of each outside training."""
        limit = self.config.evaluation_tokens
        return documents if limit is None else documents._replace(length=documents.length.clamp(max=limit))

    def _whole(self, documents: Ragged) -> Batch:
        return padded(documents, torch.zeros_like(documents.length), documents.length, self.vocabulary)

    def clean(self, batch: Batch) -> Tensor:
        """How often the tokens of each bucket occur in evaluation views, ``log(1 + count)``, ``(B, 512)``."""
        assert isinstance(batch, dict)
        bucket = mix(batch["ids"]).remainder(_BUCKETS)
        counts = batch["mask"].new_zeros(len(bucket), _BUCKETS, dtype=torch.float32)
        return counts.scatter_add_(1, bucket, batch["mask"].float()).log1p_()

    def show(self, views: Batch) -> list[str]:
        """The text of each view, with ``…`` where tokens were left out of it."""
        assert isinstance(views, dict)
        return [
            self._text(ids, mask)
            for ids, mask in zip(views["ids"].tolist(), views["mask"].tolist(), strict=True)
        ]

    def _text(self, ids: list[int], mask: list[bool]) -> str:
        reach = max((place + 1 for place, kept in enumerate(mask) if kept), default=0)
        body = slice(len(self.vocabulary.prefix), max(0, reach - len(self.vocabulary.suffix)))
        runs = groupby(zip(mask[body], ids[body], strict=True), key=itemgetter(0))
        parts = (
            self._tokenizer.decode([token for _, token in run], skip_special_tokens=False) if kept else " … "
            for kept, run in runs
        )
        return "".join(parts).strip()

    def documents(self, batch: dict[str, Tensor], keys: Keys | None) -> Ragged:
        """The documents a view is taken of."""
        return Ragged.of(batch)

    def span(self, batch: Ragged, keys: Keys) -> tuple[Tensor, Tensor]:
        """First token and number of tokens, both ``(B,) int64``, that a view takes of each document."""
        raise NotImplementedError(f"{type(self).__name__} does not define span(batch, keys)")
