"""How views become representations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn


class Encoder(nn.Module):
    """Turns a batch into representations: ``forward(batch) -> (B, embedding_dim)``, floating."""

    embedding_dim: int
    """Width of the representation."""

    channels_last: bool = False
    """True where a 4-D input and the weights are faster in ``torch.channels_last`` memory format."""

    @property
    def rebuild_options(self) -> Mapping[str, Any]:
        """Options that replace the recipe's when a saved encoder is built before its weights are loaded.

        An encoder that starts from downloaded weights switches that off here, e.g. ``{"weights": "none"}``,
        so that a saved model needs no network. The untrained floor of an evaluation is built with them too.
        """
        return {}

    @property
    def assets(self) -> Mapping[str, bytes]:
        """Further files to save with the encoder; the builder finds them in ``DataInfo.assets``."""
        return {}
