"""Views that are the whole document, for twin passes that differ by dropout alone."""

from __future__ import annotations

import torch
from torch import Tensor

from vicreg_core.contracts import DataInfo
from vicreg_core.contracts.keys import Keys
from vicreg_text.augmentations.base import TextAugmentation
from vicreg_text.augmentations.config import WholeConfig
from vicreg_text.augmentations.ragged import Ragged


class Whole(TextAugmentation):
    """Each view is the document, up to ``max_tokens`` from its start (Gao et al., arXiv:2104.08821)."""

    config: WholeConfig

    def span(self, batch: Ragged, keys: Keys) -> tuple[Tensor, Tensor]:
        """The start of each document."""
        return torch.zeros_like(batch.length), batch.length.clamp(max=self.config.max_tokens)


def build(config: WholeConfig, info: DataInfo) -> Whole:
    """The augmentation ``text/whole``."""
    return Whole(config, info)
