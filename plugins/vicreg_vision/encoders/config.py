"""The recipe keys of the image encoders."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vicreg_core.recipes.schema import PositiveInt, StrictModel

Weights = Annotated[
    Literal["none", "imagenet"],
    Field(description="what to start from: random weights or torchvision's ImageNet ones"),
]


class SmallCNNConfig(StrictModel):
    """Keys of ``vision/small-cnn``."""

    width: Annotated[int, Field(ge=8, multiple_of=8, description="channels of the first stage")] = 64
    depth: Annotated[PositiveInt, Field(description="residual blocks of each stage")] = 1
    stride: Annotated[
        Literal["auto", 1, 2, 4],
        Field(
            description="by how much the first convolution reduces the image; auto: 1 for data of up "
            "to 16 pixels, 2 up to 64, else 4"
        ),
    ] = "auto"


class ResNetConfig(StrictModel):
    """Keys of ``vision/resnet18``, ``vision/resnet34`` and ``vision/resnet50``."""

    stem: Annotated[
        Literal["auto", "imagenet", "small"],
        Field(
            description="imagenet: 7x7 convolution of stride 2 and max-pooling; small: 3x3 of stride 1 "
            "alone; auto: small for images of at most 64 pixels, unless weights are imagenet"
        ),
    ] = "auto"
    weights: Weights = "none"
    zero_init_residual: Annotated[bool, Field(description="start every residual block as the identity")] = (
        False
    )

    @model_validator(mode="after")
    def _check_weights(self) -> ResNetConfig:
        if self.weights == "imagenet" and self.stem == "small":
            raise ValueError(
                "stem: small has no ImageNet weights; expected imagenet or auto, or weights: none"
            )
        return self


class ViTConfig(StrictModel):
    """Keys of ``vision/vit``; width, depth and heads left out take the preset's value."""

    preset: Annotated[
        Literal["tiny", "small", "base"],
        Field(description="width / depth / heads: 192/12/3, 384/12/6, 768/12/12"),
    ] = "small"
    image_size: Annotated[PositiveInt, Field(description="pixels a side of the images it takes")] = 224
    patch_size: Annotated[PositiveInt, Field(description="pixels a side of a patch")] = 16
    width: PositiveInt | None = None
    depth: PositiveInt | None = None
    heads: PositiveInt | None = None

    @model_validator(mode="after")
    def _check_shape(self) -> ViTConfig:
        if self.image_size % self.patch_size:
            raise ValueError(
                f"image_size {self.image_size} is not a multiple of patch_size {self.patch_size}"
            )
        width, _, heads = self.shape
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of heads {heads}")
        return self

    @property
    def shape(self) -> tuple[int, int, int]:
        """Width, depth and heads."""
        width, depth, heads = {"tiny": (192, 12, 3), "small": (384, 12, 6), "base": (768, 12, 12)}[
            self.preset
        ]
        return self.width or width, self.depth or depth, self.heads or heads


class ConvNeXtConfig(StrictModel):
    """Keys of ``vision/convnext-tiny``."""

    weights: Weights = "none"


class TorchvisionConfig(StrictModel):
    """Keys of ``vision/torchvision``."""

    model: Annotated[
        str, Field(min_length=1, description="name of a torchvision classifier, e.g. mobilenet_v3_small")
    ]
    weights: Weights = "none"
    image_size: Annotated[
        PositiveInt | None,
        Field(description="pixels a side, for the models built for one size (vit_*, maxvit_t)"),
    ] = None

    @model_validator(mode="after")
    def _check_size(self) -> TorchvisionConfig:
        if self.weights == "imagenet" and self.image_size is not None:
            raise ValueError("image_size: ImageNet weights come with their own size; leave the key out")
        return self
