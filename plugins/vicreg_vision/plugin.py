"""Hook implementations of the vision plugin: data only, nothing heavy is imported here."""

from __future__ import annotations

from vicreg_core.plugins import (
    AugmentationSpec,
    DatasetSpec,
    EncoderSpec,
    RecipeFolder,
    hookimpl,
)

EXTRA = "vicreg-suite[vision]"


@hookimpl
def vicreg_encoders() -> list[EncoderSpec]:
    """Image encoders, for any number of channels."""
    return [
        EncoderSpec(
            name="small-cnn",
            target="vicreg_vision.encoders.small_cnn:build",
            config="vicreg_vision.encoders.config:SmallCNNConfig",
            summary="slim residual network that trains in minutes on a CPU",
        ),
        _torchvision(
            "resnet18", "resnet:build_resnet18", "ResNetConfig", "ResNet-18, stem for large or small images"
        ),
        _torchvision(
            "resnet34", "resnet:build_resnet34", "ResNetConfig", "ResNet-34, stem for large or small images"
        ),
        _torchvision(
            "resnet50", "resnet:build_resnet50", "ResNetConfig", "ResNet-50, stem for large or small images"
        ),
        _torchvision("convnext-tiny", "convnext:build_tiny", "ConvNeXtConfig", "ConvNeXt-Tiny"),
        _torchvision(
            "vit", "vit:build", "ViTConfig", "vision transformer of any size: presets tiny, small, base"
        ),
        _torchvision(
            "torchvision",
            "torchvision_models:build",
            "TorchvisionConfig",
            "any classifier of torchvision by name, without its last layer",
        ),
    ]


@hookimpl
def vicreg_augmentations() -> list[AugmentationSpec]:
    """Views of images."""
    return [
        AugmentationSpec(
            name="standard",
            target="vicreg_vision.augmentations.build:build_standard",
            config="vicreg_vision.augmentations.config:StandardAugmentationConfig",
            summary="crop, flip, colour jitter, grayscale, blur, solarise: presets paper, official, small",
        ),
    ]


@hookimpl
def vicreg_datasets() -> list[DatasetSpec]:
    """Where images come from."""
    return [
        DatasetSpec(
            name="digits",
            target="vicreg_vision.datasets.digits:build",
            config="vicreg_vision.datasets.config:DigitsConfig",
            summary="scikit-learn's 1,797 handwritten digits of 8 x 8 pixels; needs no download",
        ),
        DatasetSpec(
            name="folder",
            target="vicreg_vision.datasets.folder:build",
            config="vicreg_vision.datasets.config:FolderConfig",
            summary="a folder of image files, labelled by sub-folder or not at all",
            requires=("PIL",),
            extra=EXTRA,
        ),
        DatasetSpec(
            name="parquet",
            target="vicreg_vision.datasets.parquet:build",
            config="vicreg_vision.datasets.config:ParquetConfig",
            summary="Parquet, CSV or TSV tables with encoded images or paths of image files",
            requires=("PIL",),
            extra=EXTRA,
        ),
        DatasetSpec(
            name="huggingface",
            target="vicreg_vision.datasets.huggingface:build",
            config="vicreg_vision.datasets.config:HuggingFaceConfig",
            summary="a dataset of the Hugging Face hub, or a local copy of one",
            requires=("PIL", "datasets"),
            extra=EXTRA,
        ),
    ]


@hookimpl
def vicreg_recipes() -> list[RecipeFolder]:
    """The recipes addressed as ``vision/<name>``."""
    return [RecipeFolder(package="vicreg_vision", checkout="../../recipes/vision")]


def _torchvision(name: str, builder: str, config: str, summary: str) -> EncoderSpec:
    """The spec of an encoder that needs torchvision."""
    return EncoderSpec(
        name=name,
        target=f"vicreg_vision.encoders.{builder}",
        config=f"vicreg_vision.encoders.config:{config}",
        summary=summary,
        requires=("torchvision",),
        extra=EXTRA,
    )
