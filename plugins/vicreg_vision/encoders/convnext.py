"""``vision/convnext-tiny`` (Liu et al., arXiv:2201.03545), by torchvision."""

from __future__ import annotations

from typing import Any

from torch import nn

from vicreg_core.contracts import DataInfo
from vicreg_vision.encoders.backbone import Backbone
from vicreg_vision.encoders.channels import fit_first_convolution, input_channels
from vicreg_vision.encoders.config import ConvNeXtConfig
from vicreg_vision.encoders.weights import build_classifier

_STAGES = ("features.1", "features.3", "features.5", "features.7")


def build_tiny(config: ConvNeXtConfig, info: DataInfo) -> Backbone:
    """A ConvNeXt-Tiny; representations of 768 numbers, layer-normalised."""
    channels = input_channels(info, "vision/convnext-tiny")
    network: Any = build_classifier("convnext_tiny", config.weights)
    width = network.classifier[-1].in_features
    network.classifier[-1] = nn.Identity()
    fit_first_convolution(network, channels, config.weights == "imagenet")
    advice = "set a larger augmentation.size, or use vision/resnet18 or vision/small-cnn"
    return Backbone(network, width, smallest=32, advice=advice, maps=_STAGES)
