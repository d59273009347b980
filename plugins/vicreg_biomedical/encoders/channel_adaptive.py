"""``biomedical/channel-adaptive``: a trunk shared by all channels, so a new panel needs no new network."""

from __future__ import annotations

import torch
from torch import Tensor

from vicreg_biomedical.encoders.config import ChannelAdaptiveConfig, SmallCNNConfig
from vicreg_biomedical.encoders.flat import require_flat
from vicreg_biomedical.encoders.small_cnn import SmallCNN
from vicreg_core.contracts import Batch, DataInfo, Encoder


class ChannelAdaptive(Encoder):
    """Each channel through one single-channel trunk, then pooled over the channels.

    Args:
        channels: of the training panel; with ``pool: mean-max`` the forward pass takes any number.
        config: trunk and pooling.
    """

    channels_last = False

    def __init__(self, channels: int, config: ChannelAdaptiveConfig) -> None:
        super().__init__()
        self.channels, self.pool = channels, config.pool
        trunk = SmallCNNConfig(width=config.width, depths=config.depths, stem_stride=config.stem_stride)
        self.trunk = SmallCNN(1, trunk)
        self.embedding_dim = self.trunk.embedding_dim * (channels if config.pool == "concatenate" else 2)

    def forward(self, batch: Batch) -> Tensor:
        """``(B, C, H, W)`` float to ``(B, embedding_dim)``.

        Raises:
            ValueError: with ``concatenate``, for another number of channels than the training panel's.
        """
        if isinstance(batch, dict):
            raise TypeError("ChannelAdaptive takes a (B, C, H, W) tensor, got a mapping")
        rows, channels = batch.shape[:2]
        if self.pool == "concatenate" and channels != self.channels:
            raise ValueError(
                f"pool=concatenate was trained on {self.channels} channels and got {channels}; "
                f"train with pool=mean-max to take other panels"
            )
        each: Tensor = self.trunk(batch.reshape(rows * channels, 1, *batch.shape[2:]))
        each = each.reshape(rows, channels, -1)
        if self.pool == "concatenate":
            return each.flatten(1)
        return torch.cat([each.mean(dim=1), each.amax(dim=1)], dim=1)


def build(config: ChannelAdaptiveConfig, info: DataInfo) -> ChannelAdaptive:
    """The encoder for a dataset of cells.

    Raises:
        RecipeError: for volumes.
    """
    require_flat("channel-adaptive", info)
    return ChannelAdaptive(int(info.facts["channels"]), config)
