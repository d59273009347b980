"""``vision/resnet18``, ``resnet34`` and ``resnet50`` (He et al., arXiv:1512.03385), by torchvision."""

from __future__ import annotations

from typing import Any

from torch import nn

from vicreg_core.contracts import DataInfo
from vicreg_vision.encoders.backbone import Backbone
from vicreg_vision.encoders.channels import fit_first_convolution, input_channels
from vicreg_vision.encoders.config import ResNetConfig
from vicreg_vision.encoders.weights import build_classifier

_STAGES = ("layer1", "layer2", "layer3", "layer4")
SMALL_IMAGE = 64
"""Largest side in pixels for which ``stem: auto`` means ``small``."""


def build_resnet18(config: ResNetConfig, info: DataInfo) -> Backbone:
    """A ResNet-18; representations of 512 numbers."""
    return _build("resnet18", config, info)


def build_resnet34(config: ResNetConfig, info: DataInfo) -> Backbone:
    """A ResNet-34; representations of 512 numbers."""
    return _build("resnet34", config, info)


def build_resnet50(config: ResNetConfig, info: DataInfo) -> Backbone:
    """A ResNet-50; representations of 2,048 numbers."""
    return _build("resnet50", config, info)


def _build(name: str, config: ResNetConfig, info: DataInfo) -> Backbone:
    channels = input_channels(info, f"vision/{name}")
    # torchvision zeroes the last scales before it loads pretrained ones, which then replace them.
    network: Any = build_classifier(name, config.weights, zero_init_residual=config.zero_init_residual)
    width = network.fc.in_features
    network.fc = nn.Identity()
    fit_first_convolution(network, channels, config.weights == "imagenet")
    if not _has_small_stem(config, info):
        advice = "set encoder.stem=small, or a larger augmentation.size"
        return Backbone(
            network, width, smallest=32, advice=advice, maps=_STAGES, resolved={"stem": "imagenet"}
        )
    network.conv1 = nn.Conv2d(channels, 64, kernel_size=3, padding=1, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    network.maxpool = nn.Identity()
    advice = "set a larger augmentation.size"
    return Backbone(network, width, smallest=8, advice=advice, maps=_STAGES, resolved={"stem": "small"})


def _has_small_stem(config: ResNetConfig, info: DataInfo) -> bool:
    if config.stem != "auto":
        return config.stem == "small"
    height, width = info.facts.get("height"), info.facts.get("width")
    known_small = height is not None and width is not None and max(height, width) <= SMALL_IMAGE
    return known_small and config.weights == "none"
