"""MONAI's networks as encoders of images and volumes with any number of channels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vicreg_biomedical.datasets.pixels import canvas_of
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
RESNET_WIDTH = 64
"""Feature maps of the first stage of a ResNet as published."""

LEAST_SIDE = 32
"""Height and width that every one of these networks takes, in pixels."""


class MonaiEncoder(Encoder):
    """A MONAI network whose classifier is taken off.

    Args:
        net: ``(B, C, H, W)``, or ``(B, C, D, H, W)``, to ``(B, embedding_dim)``, or to
            ``(B, tokens, embedding_dim)`` and more.
        embedding_dim: width of the representation.
        channels_last: whether that memory format is faster.
    """

    def __init__(self, net: nn.Module, embedding_dim: int, *, channels_last: bool = True) -> None:
        super().__init__()
        self.net, self.embedding_dim, self.channels_last = net, embedding_dim, channels_last

    def forward(self, batch: Batch) -> Tensor:
        """``(B, C, H, W)`` or ``(B, C, D, H, W)`` float to ``(B, embedding_dim)``; tokens are averaged."""
        output: Any = self.net(batch)
        if isinstance(output, tuple):
            return torch.mean(output[0], dim=1)
        features: Tensor = output
        return features


def _channels(info: DataInfo) -> int:
    return int(info.facts["channels"])


def _dims(info: DataInfo) -> int:
    return len(canvas_of(info.facts))


def _require_planes(net: nn.Module, name: str, info: DataInfo) -> None:
    """Try an untrained network on an empty volume as deep as the data's.

    Raises:
        RecipeError: where halving the depth leaves no plane.
    """
    canvas = canvas_of(info.facts)
    if len(canvas) == 2:
        return
    try:
        with torch.no_grad():
            net.eval()(torch.zeros(1, _channels(info), canvas[0], LEAST_SIDE, LEAST_SIDE))
    except RuntimeError as error:
        raise RecipeError(
            f"encoder biomedical/monai-{name} halves the depth several times and cannot take volumes of "
            f"{canvas[0]} planes; use biomedical/monai-resnet, or project them with data.depth=max"
        ) from error
    net.train()


def build_resnet(config: MonaiResNetConfig, info: DataInfo) -> MonaiEncoder:
    """A ResNet without its classifier (He et al., arXiv:1512.03385)."""
    stem = {"conv1_t_size": 3, "conv1_t_stride": 1, "no_max_pool": True} if config.small_input else {}
    net = getattr(import_monai(NETS), f"resnet{config.depth}")(
        spatial_dims=_dims(info),
        n_input_channels=_channels(info),
        feed_forward=False,
        widen_factor=config.width / RESNET_WIDTH,
        **stem,
    )
    widths = 8 if config.depth < 50 else 32
    return MonaiEncoder(net, widths * config.width, channels_last=_dims(info) == 2)


def build_densenet(config: MonaiDenseNetConfig, info: DataInfo) -> MonaiEncoder:
    """A DenseNet without its classifier (Huang et al., arXiv:1608.06993).

    Raises:
        RecipeError: for volumes of so few planes that none is left after its five halvings.
    """
    network = getattr(import_monai(NETS), f"DenseNet{config.depth}")
    net = network(spatial_dims=_dims(info), in_channels=_channels(info), out_channels=1)
    _require_planes(net, "densenet", info)
    width = net.class_layers.out.in_features
    net.class_layers.out = nn.Identity()
    return MonaiEncoder(net, width, channels_last=_dims(info) == 2)


def build_efficientnet(config: MonaiEfficientNetConfig, info: DataInfo) -> MonaiEncoder:
    """An EfficientNet without its classifier (Tan and Le, arXiv:1905.11946).

    Raises:
        RecipeError: for volumes of too few planes for its kernels.
    """
    net = import_monai(NETS).EfficientNetBN(
        f"efficientnet-{config.variant}",
        pretrained=False,
        spatial_dims=_dims(info),
        in_channels=_channels(info),
    )
    _require_planes(net, "efficientnet", info)
    width = net._fc.in_features
    net._fc = nn.Identity()
    return MonaiEncoder(net, width, channels_last=_dims(info) == 2)


def build_vit(config: MonaiViTConfig, info: DataInfo) -> MonaiEncoder:
    """A vision transformer (Dosovitskiy et al., arXiv:2010.11929).

    Raises:
        RecipeError: where a view is not a whole number of patches.
    """
    *depth, height, width = canvas_of(info.facts)
    sides = [config.view] * 2 if config.view else [height, width]
    if any(side % config.patch for side in sides):
        raise RecipeError(
            f"encoder.patch is {config.patch}, which does not divide views of {sides[0]} x {sides[1]}; "
            f"set augmentation.size and encoder.view to a multiple of it"
        )
    if any(planes % config.patch_depth for planes in depth):
        raise RecipeError(
            f"encoder.patch_depth is {config.patch_depth}, which does not divide volumes of {depth[0]} planes"
        )
    if config.dim % config.heads:
        raise RecipeError(f"encoder.dim is {config.dim}, which encoder.heads={config.heads} does not divide")
    net = import_monai(NETS).ViT(
        in_channels=_channels(info),
        img_size=(*depth, *sides),
        patch_size=(*[config.patch_depth] * len(depth), config.patch, config.patch),
        hidden_size=config.dim,
        mlp_dim=4 * config.dim,
        num_layers=config.layers,
        num_heads=config.heads,
        spatial_dims=_dims(info),
        classification=False,
    )
    return MonaiEncoder(net, config.dim, channels_last=False)
