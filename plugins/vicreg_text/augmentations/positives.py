"""Views from other documents: those that share a key (author, question, product), or the nearest ones."""

from __future__ import annotations

import torch
from torch import Tensor

from vicreg_core.contracts import DataInfo
from vicreg_core.contracts.keys import Keys
from vicreg_core.errors import DataError
from vicreg_text.augmentations.base import TextAugmentation
from vicreg_text.augmentations.config import PositivesConfig
from vicreg_text.augmentations.ragged import Ragged
from vicreg_text.augmentations.spans import random_span


class Positives(TextAugmentation):
    """View 0 is a span of the document itself, each further view, by its chance, one of a random partner.

    A document without a partner is its own. Nearest neighbours as positives are those of NNCLR
    (arXiv:2104.14548), here found once, before training.

    Args:
        config: the recipe keys.
        info: of a text dataset with ``data.positives`` or ``data.neighbours``.

    Raises:
        DataError: where the dataset has neither.
    """

    config: PositivesConfig

    def __init__(self, config: PositivesConfig, info: DataInfo) -> None:
        super().__init__(config, info)
        if not info.facts.get("positives"):
            raise DataError(
                "text/positives takes its views from rows that share a key, or from the nearest: name the "
                "key's column in data.positives, or set data.neighbours=4"
            )

    def documents(self, batch: dict[str, Tensor], keys: Keys | None) -> Ragged:
        """The documents themselves for view 0 and for evaluation, else one partner of each."""
        own = Ragged.of(batch)
        if keys is None or keys.view == 0:
            return own
        lengths = batch["partner_length"]
        count = (lengths > 0).sum(1)
        pick = (keys.uniform("partner") * count).long()
        ends = lengths.flatten().cumsum(0).view_as(lengths)
        length = lengths.gather(1, pick[:, None])[:, 0]
        offset = ends.gather(1, pick[:, None])[:, 0] - length + len(own.tokens)
        alone = (count == 0) | (keys.uniform("own") >= self.config.partner_share)
        return Ragged(
            torch.cat([own.tokens, batch["partner_tokens"]]),
            torch.where(alone, own.offset, offset),
            torch.where(alone, own.length, length),
        )

    def span(self, batch: Ragged, keys: Keys) -> tuple[Tensor, Tensor]:
        """A random span of each document."""
        return random_span(batch.length, keys, self.config)


def build(config: PositivesConfig, info: DataInfo) -> Positives:
    """The augmentation ``text/positives``."""
    return Positives(config, info)
