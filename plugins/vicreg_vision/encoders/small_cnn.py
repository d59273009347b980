"""``vision/small-cnn``: a slim residual network that trains in minutes on a CPU.

Three stages of basic blocks (He et al., arXiv:1512.03385). On a CPU the time goes where the feature maps are
large, so the stem reduces them at once by a strided convolution that looks at more than its stride.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vicreg_core.contracts import DataInfo, Encoder
from vicreg_core.errors import DataError
from vicreg_vision.encoders.channels import input_channels
from vicreg_vision.encoders.config import SmallCNNConfig

_STAGES = 3


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which averages and projects where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut.append(nn.AvgPool2d(stride, ceil_mode=True))
        if inputs != outputs:
            self.shortcut.extend([nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)])

    def forward(self, features: Tensor) -> Tensor:
        """``(B, inputs, H, W)`` to ``(B, outputs, ceil(H / stride), ceil(W / stride))``."""
        return torch.relu_(self.convolutions(features) + self.shortcut(features))


class SmallCNN(Encoder):
    """Images ``(B, C, H, W)`` to representations ``(B, 4 * width)``."""

    channels_last = True

    def __init__(self, channels: int, width: int, depth: int, stride: int) -> None:
        super().__init__()
        self.embedding_dim = width * 2 ** (_STAGES - 1)
        self.smallest = stride * 2 ** (_STAGES - 1)
        kernel = 3 if stride == 1 else 2 * stride
        layers: list[nn.Module] = [
            nn.Conv2d(channels, width, kernel, stride=stride, padding=(kernel - stride + 1) // 2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        ]
        inputs, ends = width, list[int]()
        for stage in range(_STAGES):
            outputs = width * 2**stage
            for block in range(depth):
                layers.append(BasicBlock(inputs, outputs, stride=2 if stage and not block else 1))
                inputs = outputs
            ends.append(len(layers) - 1)
        self.ends = tuple(ends)
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @property
    def map_layers(self) -> Sequence[nn.Module]:
        """The last block of each stage."""
        return [self.layers[end] for end in self.ends]

    def forward(self, images: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, embedding_dim)``.

        Raises:
            DataError: for images so small that no pixel of the last stage would be left.
        """
        height, width = images.shape[-2:]
        if min(height, width) < self.smallest:
            raise DataError(
                f"vision/small-cnn takes images of at least {self.smallest} x {self.smallest} pixels, got "
                f"{height} x {width}: set a smaller encoder.stride or a larger augmentation.size"
            )
        features: Tensor = self.layers(images)
        return features


def build(config: SmallCNNConfig, info: DataInfo) -> SmallCNN:
    """A small residual network; ``stride: auto`` follows the size of the data's images."""
    channels = input_channels(info, "vision/small-cnn")
    stride = _stride(info) if config.stride == "auto" else config.stride
    return SmallCNN(channels, config.width, config.depth, stride)


def _stride(info: DataInfo) -> int:
    """1 up to 16 pixels, 2 up to 64, else 4, as for images of unlike size."""
    height, width = info.facts.get("height"), info.facts.get("width")
    if height is None or width is None:
        return 4
    return 1 if max(height, width) <= 16 else 2 if max(height, width) <= 64 else 4
