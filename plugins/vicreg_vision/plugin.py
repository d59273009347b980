"""Hook implementations of the vision plugin: data only, nothing heavy is imported here."""

from __future__ import annotations

from vicreg_core.plugins import AugmentationSpec, DatasetSpec, EncoderSpec, RecipeFolder, family, hookimpl

_encoder = family(EncoderSpec, "vicreg_vision.encoders", extra="vicreg-suite[vision]")
_augmentation = family(AugmentationSpec, "vicreg_vision.augmentations", offers=("clean",))
_dataset = family(DatasetSpec, "vicreg_vision.datasets", requires=("PIL",), extra="vicreg-suite[vision]")
_TV, _MAPS = ("torchvision",), ("feature_maps",)


@hookimpl
def vicreg_encoders() -> list[EncoderSpec]:
    """Image encoders, for any number of channels."""
    resnet = "ResNet-{}, stem for large or small images"
    vit = "vision transformer of any size: presets tiny, small, base"
    classifier = "any classifier of torchvision by name, without its last layer"
    return [
        _encoder(
            "small-cnn",
            "small_cnn:build",
            "SmallCNNConfig",
            "slim residual network that trains in minutes on a CPU",
            offers=_MAPS,
        ),
        *(
            _encoder(
                f"resnet{n}",
                f"resnet:build_resnet{n}",
                "ResNetConfig",
                resnet.format(n),
                requires=_TV,
                offers=_MAPS,
            )
            for n in (18, 34, 50)
        ),
        _encoder(
            "convnext-tiny",
            "convnext:build_tiny",
            "ConvNeXtConfig",
            "ConvNeXt-Tiny",
            requires=_TV,
            offers=_MAPS,
        ),
        _encoder("vit", "vit:build", "ViTConfig", vit, requires=_TV),
        _encoder("torchvision", "torchvision_models:build", "TorchvisionConfig", classifier, requires=_TV),
    ]


@hookimpl
def vicreg_augmentations() -> list[AugmentationSpec]:
    """Views of images."""
    return [
        _augmentation(
            "standard",
            "build:build_standard",
            "StandardAugmentationConfig",
            "crop, flip, colour jitter, grayscale, blur, solarise: presets paper, official, small",
        ),
    ]


@hookimpl
def vicreg_datasets() -> list[DatasetSpec]:
    """Where images come from."""
    digits = "scikit-learn's 1,797 handwritten digits of 8 x 8 pixels; needs no download"
    folder = "a folder of image files, labelled by sub-folder or not at all"
    table = "CSV, TSV, JSONL, JSON, Parquet or XLSX with paths of image files, or Parquet with images"
    shards = "tar archives (WebDataset) or Parquet files of images, read in order, on disks and object stores"
    hub = "a dataset of the Hugging Face hub, or a local copy of one"
    return [
        _dataset("digits", "digits:build", "DigitsConfig", digits, requires=()),
        _dataset("folder", "folder:build", "FolderConfig", folder),
        _dataset("table", "table:build", "TableConfig", table),
        _dataset("shards", "shards:build", "ShardsConfig", shards),
        _dataset("huggingface", "huggingface:build", "HuggingFaceConfig", hub, requires=("PIL", "datasets")),
    ]


@hookimpl
def vicreg_recipes() -> list[RecipeFolder]:
    """The recipes addressed as ``vision/<name>``."""
    return [RecipeFolder(package="vicreg_vision", checkout="../../recipes/vision")]
