"""What all text augmentations share: strings in, ragged batches between, padded views out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from vicreg_core.contracts import Augmentation, Batch, DataInfo
from vicreg_core.data.keys import Keys
from vicreg_core.errors import DataError
from vicreg_text.augmentations.config import ViewConfig
from vicreg_text.augmentations.hiding import hide_tokens
from vicreg_text.augmentations.ragged import Ragged, padded
from vicreg_text.tokenizer import FILE, Vocabulary, parse_tokenizer


class TextAugmentation(Augmentation):
    """Makes padded views of ragged batches.

    A view is ``{"ids": (B, L) int64, "mask": (B, L) bool}``; ``mask`` is false on padding and on dropped
    tokens, and ``L`` is the longest view of the batch.

    Args:
        config: the recipe keys.
        info: of a text dataset: vocabulary facts and the asset ``tokenizer.json``.
    """

    def __init__(self, config: ViewConfig, info: DataInfo) -> None:
        super().__init__()
        if info.facts.get("kind") != "text":
            raise DataError("text augmentations need a text dataset (data.name: text/...)")
        self.config = config
        self.vocabulary = Vocabulary.of_facts(info.facts)
        self._tokenizer_json = info.assets[FILE]
        self._tokenizer: Any = None

    def ingest(self, item: Any) -> list[int]:
        """The token ids of a string.

        Raises:
            DataError: for anything but a string.
        """
        if not isinstance(item, str):
            raise DataError(f"expected a string to encode, got {type(item).__name__}: {item!r:.60}")
        if self._tokenizer is None:
            self._tokenizer = parse_tokenizer(self._tokenizer_json)
        ids: list[int] = self._tokenizer.encode(item, add_special_tokens=False).ids
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
            limit = self.config.evaluation_tokens
            length = ragged.length if limit is None else ragged.length.clamp(max=limit)
            return padded(ragged, torch.zeros_like(length), length, self.vocabulary)
        start, length = self.span(ragged, keys)
        view = padded(ragged, start, length, self.vocabulary)
        return hide_tokens(view, keys, self.config, self.vocabulary)

    def documents(self, batch: dict[str, Tensor], keys: Keys | None) -> Ragged:
        """The documents a view is taken of."""
        return Ragged.of(batch)

    def span(self, batch: Ragged, keys: Keys) -> tuple[Tensor, Tensor]:
        """First token and number of tokens, both ``(B,) int64``, that a view takes of each document."""
        raise NotImplementedError(f"{type(self).__name__} does not define span(batch, keys)")
