"""``signals/conv``: a small 1-D convolutional network."""

from __future__ import annotations

from torch import Tensor, nn

from vicreg_core.contracts import DataInfo, Encoder
from vicreg_example_signals.configs import ConvConfig


class ConvEncoder(Encoder):
    """``(B, length) -> (B, embedding_dim)``: strided convolutions and the mean over time.

    Args:
        config: the recipe's keys.
        info: not needed here, since convolutions take signals of any length.
    """

    def __init__(self, config: ConvConfig, info: DataInfo) -> None:
        super().__init__()
        channels, width, layers = 1, config.width, list[nn.Module]()
        for _ in range(config.layers):
            layers += [nn.Conv1d(channels, width, 9, stride=2, padding=4), nn.BatchNorm1d(width), nn.ReLU()]
            channels, width = width, 2 * width
        self.layers = nn.Sequential(*layers)
        self.embedding_dim = channels

    def forward(self, batch: Tensor) -> Tensor:
        """Representations ``(B, embedding_dim) float32`` of signals ``(B, length) float32``."""
        features: Tensor = self.layers(batch[:, None])
        return features.mean(dim=2)
