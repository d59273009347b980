"""An encoder around a torchvision network, with the least image size it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from vicreg_core.contracts import Encoder
from vicreg_core.errors import DataError


class Backbone(Encoder):
    """A network that turns ``(B, C, H, W)`` float images into ``(B, embedding_dim)`` representations.

    Args:
        network: the network without its classifier.
        embedding_dim: width of what it returns.
        smallest: least height and width in pixels, below which its last feature map would be less than one
            pixel.
        advice: what to do about smaller images.
        channels_last: whether it is faster in that memory format.
        maps: names of the modules whose outputs are its feature maps.
        resolved: options that the recipe left to be found out, such as the stem, as they were found.
    """

    def __init__(
        self,
        network: nn.Module,
        embedding_dim: int,
        *,
        smallest: int,
        advice: str,
        channels_last: bool = True,
        maps: Sequence[str] = (),
        resolved: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.embedding_dim = embedding_dim
        self.smallest, self.advice = smallest, advice
        self.channels_last = channels_last
        self.maps, self.resolved = tuple(maps), dict(resolved or {})

    @property
    def map_layers(self) -> Sequence[nn.Module]:
        """The network's stages."""
        return [self.network.get_submodule(name) for name in self.maps]

    @property
    def rebuild_options(self) -> Mapping[str, Any]:
        """No downloaded weights, and what depended on whether there were any."""
        return {"weights": "none", **self.resolved}

    def forward(self, images: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, embedding_dim)``.

        Raises:
            DataError: for images below the least size.
        """
        height, width = images.shape[-2:]
        if min(height, width) < self.smallest:
            raise DataError(
                f"the encoder takes images of at least {self.smallest} x {self.smallest} pixels, got "
                f"{height} x {width}: {self.advice}"
            )
        features: Tensor = self.network(images)
        return features
