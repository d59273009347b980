"""``vision/vit``: a vision transformer (Dosovitskiy et al., arXiv:2010.11929), by torchvision."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from vicreg_core.contracts import DataInfo, Encoder
from vicreg_core.errors import DataError
from vicreg_vision.encoders.channels import fit_first_convolution, input_channels
from vicreg_vision.encoders.config import ViTConfig


class ViT(Encoder):
    """A transformer over patches of images of one size; the representation is its class token."""

    def __init__(self, network: nn.Module, embedding_dim: int, image_size: int) -> None:
        super().__init__()
        self.network = network
        self.embedding_dim = embedding_dim
        self.image_size = image_size

    def forward(self, images: Tensor) -> Tensor:
        """``(B, C, image_size, image_size)`` to ``(B, embedding_dim)``.

        Raises:
            DataError: for images of another size.
        """
        height, width = images.shape[-2:]
        if (height, width) != (self.image_size, self.image_size):
            raise DataError(
                f"vision/vit was built for images of {self.image_size} x {self.image_size} pixels, got "
                f"{height} x {width}: set encoder.image_size and augmentation.size to the same number"
            )
        features: Tensor = self.network(images)
        return features


def build(config: ViTConfig, info: DataInfo) -> ViT:
    """A vision transformer with random weights."""
    from torchvision.models import VisionTransformer

    channels = input_channels(info, "vision/vit")
    width, depth, heads = config.shape
    network: Any = VisionTransformer(
        image_size=config.image_size,
        patch_size=config.patch_size,
        num_layers=depth,
        num_heads=heads,
        hidden_dim=width,
        mlp_dim=4 * width,
    )
    network.heads = nn.Identity()
    fit_first_convolution(network, channels, pretrained=False)
    return ViT(network, width, config.image_size)
