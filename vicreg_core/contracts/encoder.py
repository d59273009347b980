"""How views become representations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn


class Encoder(nn.Module):
    """Turns a batch into representations: ``forward(batch) -> (B, embedding_dim)``, floating."""

    embedding_dim: int
    """Width of the representation."""

    channels_last: bool = False
    """True where a 4-D input and the weights are faster in ``torch.channels_last`` memory format."""

    @property
    def map_layers(self) -> Sequence[nn.Module]:
        """Modules whose outputs are the feature maps of a forward pass, ``(B, C, ...)``, first to last.

        The last is the one closest to the representation. Each is called once a forward pass in training, and
        nothing writes to its output afterwards. An encoder that has any says ``offers=("feature_maps",)`` in
        its spec; objectives such as ``core/local`` and ``core/vcreg`` need them.
        """
        return ()

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
