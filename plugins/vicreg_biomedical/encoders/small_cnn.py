"""``biomedical/small-cnn``: a residual network sized for cell crops and two CPU cores."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vicreg_biomedical.encoders.config import SmallCNNConfig
from vicreg_biomedical.encoders.flat import require_flat
from vicreg_core.contracts import Batch, DataInfo, Encoder


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm and a shortcut (He et al., arXiv:1512.03385)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
        self.activation = nn.ReLU(inplace=True)

    def forward(self, maps: Tensor) -> Tensor:
        """``(B, inputs, h, w)`` to ``(B, outputs, h / stride, w / stride)``."""
        output: Tensor = self.activation(self.residual(maps) + self.shortcut(maps))
        return output


class SmallCNN(Encoder):
    """Stem, stages of residual blocks, and statistics over the positions of the last two stages.

    Pooling the stage before the last as well keeps texture, which the last stage has abstracted from.

    Args:
        channels: of the input, any number.
        config: widths, depths and pooling.
    """

    channels_last = True

    def __init__(self, channels: int, config: SmallCNNConfig) -> None:
        super().__init__()
        self.config = config
        kernel = 2 * config.stem_stride + 1
        self.stem = nn.Sequential(
            nn.Conv2d(channels, config.width, kernel, config.stem_stride, kernel // 2, bias=False),
            nn.BatchNorm2d(config.width),
            nn.ReLU(inplace=True),
        )
        stages: list[nn.Module] = []
        inputs, outputs = config.width, config.width
        for stage, depth in enumerate(config.depths):
            outputs = config.width * 2**stage
            blocks = [
                ResidualBlock(inputs if i == 0 else outputs, outputs, 2 if stage and i == 0 else 1)
                for i in range(depth)
            ]
            stages.append(nn.Sequential(*blocks))
            inputs = outputs
        self.stages = nn.ModuleList(stages)
        pooled = outputs if len(stages) == 1 else outputs + outputs // 2
        self.embedding_dim = pooled * (2 if config.pool == "mean-std" else 1)

    @property
    def map_layers(self) -> Sequence[nn.Module]:
        """The stages; outside training, those of the upright crop come first."""
        return list(self.stages)

    def forward(self, batch: Batch) -> Tensor:
        """``(B, C, H, W)`` float to ``(B, embedding_dim)``; averaged over orientations outside training."""
        if isinstance(batch, dict):
            raise TypeError("SmallCNN takes a (B, C, H, W) tensor, got a mapping")
        if self.training or self.config.orientations == 1:
            return self._represent(batch)
        total = self._represent(batch)
        for turned in _orientations(batch, self.config.orientations):
            total = total + self._represent(turned)
        return total / self.config.orientations

    def _represent(self, images: Tensor) -> Tensor:
        maps = self.stem(images)
        kept: list[Tensor] = []
        for stage in self.stages:
            maps = stage(maps)
            kept.append(maps)
        return torch.cat([self._pool(maps) for maps in kept[-2:]], dim=1)

    def _pool(self, maps: Tensor) -> Tensor:
        mean = maps.mean(dim=(2, 3))
        if self.config.pool == "mean":
            return mean
        spread = (maps - mean[:, :, None, None]).square().mean(dim=(2, 3)).add(1e-5).sqrt()
        return torch.cat([mean, spread], dim=1)


def _orientations(images: Tensor, count: int) -> list[Tensor]:
    """All but the upright of the ``count`` symmetries of the square."""
    turned = [images.rot90(turns, dims=(2, 3)) for turns in range(1, 4)]
    if count == 8:
        mirrored = images.flip(3)
        turned += [mirrored.rot90(turns, dims=(2, 3)) for turns in range(4)]
    return turned


def build(config: SmallCNNConfig, info: DataInfo) -> SmallCNN:
    """The encoder for a dataset of cells.

    Raises:
        RecipeError: for volumes.
    """
    require_flat("small-cnn", info)
    return SmallCNN(int(info.facts["channels"]), config)
