"""MONAI's networks as encoders of two-dimensional images with any number of channels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vicreg_biomedical.encoders.config import (
    MonaiDenseNetConfig,
    MonaiEfficientNetConfig,
    MonaiResNetConfig,
    MonaiViTConfig,
)
from vicreg_biomedical.monai_import import import_monai
from vicreg_core.contracts import Batch, DataInfo, Encoder
from vicreg_core.errors import RecipeError

NETS = "monai.networks.nets"


class MonaiEncoder(Encoder):
    """A MONAI network whose classifier is taken off.

    Args:
        net: ``(B, C, H, W)`` to ``(B, embedding_dim)``, or to ``(B, tokens, embedding_dim)`` and more.
        embedding_dim: width of the representation.
        channels_last: whether that memory format is faster.
    """

    def __init__(self, net: nn.Module, embedding_dim: int, *, channels_last: bool = True) -> None:
        super().__init__()
        self.net, self.embedding_dim, self.channels_last = net, embedding_dim, channels_last

    def forward(self, batch: Batch) -> Tensor:
        """``(B, C, H, W)`` float to ``(B, embedding_dim)``; tokens are averaged."""
        output: Any = self.net(batch)
        if isinstance(output, tuple):
            return torch.mean(output[0], dim=1)
        features: Tensor = output
        return features


def _channels(info: DataInfo) -> int:
    return int(info.facts["channels"])


def build_resnet(config: MonaiResNetConfig, info: DataInfo) -> MonaiEncoder:
    """A ResNet without its classifier (He et al., arXiv:1512.03385)."""
    stem = {"conv1_t_size": 3, "conv1_t_stride": 1, "no_max_pool": True} if config.small_input else {}
    net = getattr(import_monai(NETS), f"resnet{config.depth}")(
        spatial_dims=2, n_input_channels=_channels(info), feed_forward=False, **stem
    )
    return MonaiEncoder(net, 512 if config.depth < 50 else 2048)


def build_densenet(config: MonaiDenseNetConfig, info: DataInfo) -> MonaiEncoder:
    """A DenseNet without its classifier (Huang et al., arXiv:1608.06993)."""
    network = getattr(import_monai(NETS), f"DenseNet{config.depth}")
    net = network(spatial_dims=2, in_channels=_channels(info), out_channels=1)
    width = net.class_layers.out.in_features
    net.class_layers.out = nn.Identity()
    return MonaiEncoder(net, width)


def build_efficientnet(config: MonaiEfficientNetConfig, info: DataInfo) -> MonaiEncoder:
    """An EfficientNet without its classifier (Tan and Le, arXiv:1905.11946)."""
    net = import_monai(NETS).EfficientNetBN(
        f"efficientnet-{config.variant}", pretrained=False, spatial_dims=2, in_channels=_channels(info)
    )
    width = net._fc.in_features
    net._fc = nn.Identity()
    return MonaiEncoder(net, width)


def build_vit(config: MonaiViTConfig, info: DataInfo) -> MonaiEncoder:
    """A vision transformer (Dosovitskiy et al., arXiv:2010.11929).

    Raises:
        RecipeError: where a view is not a whole number of patches.
    """
    sides = [config.view] * 2 if config.view else [int(info.facts[k]) for k in ("height", "width")]
    if any(side % config.patch for side in sides):
        raise RecipeError(
            f"encoder.patch is {config.patch}, which does not divide views of {sides[0]} x {sides[1]}; "
            f"set augmentation.size and encoder.view to a multiple of it"
        )
    if config.dim % config.heads:
        raise RecipeError(f"encoder.dim is {config.dim}, which encoder.heads={config.heads} does not divide")
    net = import_monai(NETS).ViT(
        in_channels=_channels(info),
        img_size=tuple(sides),
        patch_size=(config.patch, config.patch),
        hidden_size=config.dim,
        mlp_dim=4 * config.dim,
        num_layers=config.layers,
        num_heads=config.heads,
        spatial_dims=2,
        classification=False,
    )
    return MonaiEncoder(net, config.dim, channels_last=False)
