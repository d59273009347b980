"""Building torchvision classifiers, with ImageNet weights where asked for."""

from __future__ import annotations

from typing import Any, Literal

from torch import nn

from vicreg_core.errors import PluginError


def build_classifier(name: str, weights: Literal["none", "imagenet"], **options: Any) -> nn.Module:
    """``torchvision.models.get_model`` with the default ImageNet weights of the model or none.

    Raises:
        PluginError: where the weights cannot be downloaded, saying where a copy may be put.
    """
    import torch
    from torchvision import models

    network: nn.Module
    if weights == "none":
        network = models.get_model(name, weights=None, **options)
        return network
    enum = models.get_model_weights(name).DEFAULT
    try:
        network = models.get_model(name, weights=enum, **options)
    except OSError as error:
        file = enum.url.rsplit("/", 1)[-1]
        raise PluginError(
            f"the ImageNet weights {enum} could not be downloaded ({error}). Put a copy of {file} into "
            f"{torch.hub.get_dir()}/checkpoints, or set encoder.weights=none"
        ) from error
    return network
