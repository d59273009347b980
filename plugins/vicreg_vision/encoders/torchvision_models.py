"""``vision/torchvision``: any classifier of torchvision by name, without its last layer."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn

from vicreg_core.contracts import DataInfo, Encoder
from vicreg_core.errors import DataError, RecipeError
from vicreg_vision.encoders.channels import fit_first_convolution, input_channels
from vicreg_vision.encoders.config import TorchvisionConfig
from vicreg_vision.encoders.weights import build_classifier

_FAMILIES_WITH_AUXILIARY_HEADS = ("googlenet", "inception_v3")


class TorchvisionEncoder(Encoder):
    """A classifier whose last linear layer is the identity."""

    def __init__(self, network: nn.Module, embedding_dim: int, model: str) -> None:
        super().__init__()
        self.network = network
        self.embedding_dim = embedding_dim
        self.model = model
        self.channels_last = not model.startswith(("vit", "swin"))

    def forward(self, images: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, embedding_dim)``.

        Raises:
            DataError: for images of a size the network cannot take.
        """
        try:
            features: Tensor = self.network(images)
        except (AssertionError, RuntimeError) as error:
            reason = self._why_not(images)
            if reason is None:
                raise
            height, width = images.shape[-2:]
            raise DataError(
                f"torchvision's {self.model} cannot take images of {height} x {width} pixels ({reason}): set "
                f"augmentation.size, or encoder.image_size for a model that is built for one size"
            ) from error
        return features

    @property
    def rebuild_options(self) -> Mapping[str, Any]:
        """No downloaded weights: a saved model brings its own."""
        return {"weights": "none"}

    def _why_not(self, images: Tensor) -> str | None:
        """Why images of this shape fail without any memory or device involved; ``None`` where they do not."""
        network = copy.deepcopy(self.network).to("meta")
        try:
            network(torch.empty(images.shape, device="meta"))
        except (AssertionError, RuntimeError, ValueError) as error:
            return str(error).split("\n", 1)[0]
        return None


def build(config: TorchvisionConfig, info: DataInfo) -> TorchvisionEncoder:
    """The backbone of a torchvision classifier.

    The last linear layer becomes the identity, and so does a dropout right before it, which would put noise
    on the representation.

    Raises:
        RecipeError: for a name torchvision does not know, with the nearest ones, and for a model that does
            not end in a linear layer.
        PluginError: where ImageNet weights cannot be downloaded.
    """
    channels = input_channels(info, "vision/torchvision")
    _check_name(config.model)
    network: Any = build_classifier(config.model, config.weights, **_options(config))
    # Inception and GoogLeNet with pretrained weights renormalise red, green and blue.
    if hasattr(network, "transform_input"):
        network.transform_input = False
    # Inception comes with its auxiliary head where it is pretrained, which a representation has no use for.
    if getattr(network, "AuxLogits", None) is not None:
        network.aux_logits, network.AuxLogits = False, None
    width = _remove_classifier(network, config.model)
    fit_first_convolution(network, channels, config.weights == "imagenet")
    return TorchvisionEncoder(network, width, config.model)


def _check_name(name: str) -> None:
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        near = get_close_matches(name.lower().replace("-", "_"), known, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"it knows {', '.join(known)}"
        raise RecipeError(f"encoder.model: torchvision has no classifier {name!r}; {hint}")


def _options(config: TorchvisionConfig) -> dict[str, Any]:
    if config.model.startswith(_FAMILIES_WITH_AUXILIARY_HEADS) and config.weights == "none":
        return {"aux_logits": False, "init_weights": False}
    if config.image_size is None:
        return {}
    if config.model.startswith("vit_"):
        return {"image_size": config.image_size}
    if config.model == "maxvit_t":
        return {"input_size": (config.image_size, config.image_size)}
    raise RecipeError(f"encoder.image_size: {config.model} takes images of any size; leave the key out")


def _remove_classifier(network: nn.Module, name: str) -> int:
    """Replace the last linear layer, and return the width of what it took."""
    linear = [(path, m) for path, m in network.named_modules() if isinstance(m, nn.Linear)]
    leaves = [m for m in network.modules() if not list(m.children()) and list(m.parameters())]
    if not linear or linear[-1][1] is not leaves[-1]:
        raise RecipeError(
            f"encoder.model: {name} does not end in a linear layer, so it has no backbone to take"
        )
    path, layer = linear[-1]
    network.set_submodule(path, nn.Identity())
    parent, _, position = path.rpartition(".")
    before = f"{parent}.{int(position) - 1}" if position.isdigit() and position != "0" else None
    if before is not None and isinstance(network.get_submodule(before), nn.Dropout):
        network.set_submodule(before, nn.Identity())
    return layer.in_features
