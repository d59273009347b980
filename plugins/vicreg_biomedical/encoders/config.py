"""The recipe keys of the encoders."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vicreg_core.recipes.schema import PositiveInt, StrictModel

Widths = Annotated[tuple[PositiveInt, ...], Field(min_length=1, strict=False)]


class SmallCNNConfig(StrictModel):
    """A small residual network."""

    width: Annotated[PositiveInt, Field(description="feature maps of the first stage")] = 24
    depths: Annotated[Widths, Field(description="residual blocks of each stage; a stage halves the side")] = (
        1,
        1,
        1,
        1,
    )
    stem_stride: Annotated[Literal[1, 2], Field(description="2 reads crops above about 48 px faster")] = 2
    pool: Annotated[
        Literal["mean", "mean-std"],
        Field(description="statistics over the positions of the last two stages; mean-std doubles the width"),
    ] = "mean"
    orientations: Annotated[
        Literal[1, 4, 8],
        Field(description="rotations by 90 degrees (8: and their mirror images) averaged outside training"),
    ] = 1


class ChannelAdaptiveConfig(StrictModel):
    """One small residual network applied to each channel on its own."""

    width: Annotated[PositiveInt, Field(description="feature maps of the trunk's first stage")] = 16
    depths: Widths = (1, 1, 1, 1)
    stem_stride: Literal[1, 2] = 2
    pool: Annotated[
        Literal["mean-max", "concatenate"],
        Field(description="over channels; mean-max takes any panel, concatenate the one it was trained on"),
    ] = "mean-max"


class MonaiResNetConfig(StrictModel):
    """MONAI's ResNet in two dimensions, or three where the data are volumes."""

    depth: Literal[10, 18, 34, 50, 101] = 18
    width: Annotated[PositiveInt, Field(description="feature maps of the first stage; narrower on a CPU")] = (
        64
    )
    small_input: Annotated[
        bool, Field(description="3x3 stem without stride and pooling, for crops below about 96 px")
    ] = True


class MonaiDenseNetConfig(StrictModel):
    """MONAI's DenseNet in two dimensions, or three where the data are volumes."""

    depth: Literal[121, 169, 201, 264] = 121


class MonaiEfficientNetConfig(StrictModel):
    """MONAI's EfficientNetBN in two dimensions, or three where the data are volumes."""

    variant: Annotated[str, Field(pattern=r"^b[0-8]$", description="b0 to b8")] = "b0"


class MonaiViTConfig(StrictModel):
    """MONAI's vision transformer in two dimensions, or three where the data are volumes.

    Its representation is the mean of the patch tokens.
    """

    patch: Annotated[PositiveInt, Field(description="side of a patch in pixels; divides the view's side")] = 8
    patch_depth: Annotated[
        PositiveInt, Field(description="planes of a patch of a volume; divides the volume's depth")
    ] = 1
    view: Annotated[
        PositiveInt | None,
        Field(description="augmentation.size, where it is set; none: the crop's side"),
    ] = None
    dim: PositiveInt = 192
    layers: PositiveInt = 6
    heads: PositiveInt = 3
