"""Views that are random spans of a document."""

from __future__ import annotations

from torch import Tensor

from vicreg_core.contracts import DataInfo
from vicreg_core.contracts.keys import Keys
from vicreg_text.augmentations.base import TextAugmentation
from vicreg_text.augmentations.config import SpansConfig
from vicreg_text.augmentations.ragged import Ragged


class Spans(TextAugmentation):
    """Each view is one span: its length a uniform share of the document, its place uniform."""

    config: SpansConfig

    def span(self, batch: Ragged, keys: Keys) -> tuple[Tensor, Tensor]:
        """A random span of each document."""
        return random_span(batch.length, keys, self.config)


def random_span(document: Tensor, keys: Keys, config: SpansConfig) -> tuple[Tensor, Tensor]:
    """Start and length, ``(B,) int64``, of a random span in documents of ``(B,) int64`` tokens."""
    share = keys.uniform("span-length", low=config.min_fraction, high=config.max_fraction)
    length = (share * document).round().long().clamp(config.min_tokens, config.max_tokens)
    length = length.minimum(document)
    start = (keys.uniform("span-start").double() * (document - length + 1)).long()
    return start, length


def build(config: SpansConfig, info: DataInfo) -> Spans:
    """The augmentation ``text/spans``."""
    return Spans(config, info)
