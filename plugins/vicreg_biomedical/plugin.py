"""Hook implementations of the microscopy plugin: data only, nothing heavy is imported here."""

from __future__ import annotations

from vicreg_core.plugins import (
    AugmentationSpec,
    DatasetSpec,
    EncoderSpec,
    ProtocolSpec,
    RecipeFolder,
    family,
    hookimpl,
)

_EXTRA = "vicreg-suite[biomedical]"
_READERS = ("PIL", "tifffile")
_encoder = family(EncoderSpec, "vicreg_biomedical.encoders")
_augmentation = family(AugmentationSpec, "vicreg_biomedical.augmentations", extra=_EXTRA)
_dataset = family(DatasetSpec, "vicreg_biomedical.datasets", requires=_READERS, extra=_EXTRA)
_protocol = family(ProtocolSpec, "vicreg_biomedical.protocols")


@hookimpl
def vicreg_encoders() -> list[EncoderSpec]:
    """Encoders of cells with any number of channels."""
    small = "small residual network for cell crops on a CPU, any number of channels"
    adaptive = "one trunk shared by all channels; takes a panel it was not trained on"
    monai = "MONAI's {}, flat images or volumes, any number of channels"
    return [
        _encoder("small-cnn", "small_cnn:build", "SmallCNNConfig", small, offers=("feature_maps",)),
        _encoder("channel-adaptive", "channel_adaptive:build", "ChannelAdaptiveConfig", adaptive),
        *(
            _encoder(
                f"monai-{model.lower()}",
                f"monai_nets:build_{model.lower()}",
                f"Monai{model}Config",
                monai.format(model),
                requires=("monai", "einops") if model == "ViT" else ("monai",),
                extra=_EXTRA,
            )
            for model in ("ResNet", "DenseNet", "EfficientNet", "ViT")
        ),
    ]


@hookimpl
def vicreg_augmentations() -> list[AugmentationSpec]:
    """Views of cells."""
    cells = "views of cell crops, batched: presets fluorescence, brightfield, histology"
    monai = "a list of MONAI's array transforms by name, sample by sample"
    return [
        _augmentation("cells", "cells:build", "CellsConfig", cells, requires=_READERS, offers=("clean",)),
        _augmentation("monai", "monai:build", "MonaiConfig", monai, requires=("monai", *_READERS)),
    ]


@hookimpl
def vicreg_datasets() -> list[DatasetSpec]:
    """Where cells come from."""
    return [
        DatasetSpec(
            name="synthetic-cells",
            target="vicreg_biomedical.datasets.synthetic.dataset:build",
            config="vicreg_biomedical.datasets.synthetic.config:SyntheticCellsConfig",
            summary="generated fluorescence cells with a known phenotype and a planted plate effect",
        ),
        _dataset(
            "crops",
            "crops:build",
            "CropsConfig",
            "single-cell crops: a folder of images, npy, npz (also MedMNIST) or Parquet with images",
        ),
        _dataset(
            "shards",
            "shards:build",
            "ShardsConfig",
            "tar archives (WebDataset) or Parquet files of crops, read in order, on disks and object stores",
        ),
        _dataset(
            "plate",
            "plate:build",
            "PlateConfig",
            "single cells cut from plates: OME-TIFF, a file a channel, or OME-Zarr",
            requires=("PIL", "scipy", "tifffile", "zarr"),
        ),
    ]


@hookimpl
def vicreg_protocols() -> list[ProtocolSpec]:
    """How much of a score is biology and how much is the batch."""
    balanced = "the linear probe decided at equal class priors, for rare cancers and rare phases"
    leave_out = "a linear probe on some plates, patients or microscopes, scored on the others"
    corrected = "leave-group-out after centre-scale, spherize and TVN, beside the uncorrected"
    nearest = "label of the nearest neighbour from another plate"
    replicates = "mean average precision of replicate profiles across plates, by copairs"
    needs = {"requires": ("copairs", "pandas"), "extra": _EXTRA}
    return [
        _protocol("balanced-linear", "batches:build_balanced_linear", None, balanced),
        _protocol("leave-group-out", "batches:build_leave_group_out", None, leave_out),
        _protocol("batch-correction", "batches:build_batch_correction", None, corrected),
        _protocol("not-same-batch", "batches:build_not_same_batch", None, nearest),
        _protocol("replicate-retrieval", "replicates:build", None, replicates, **needs),
    ]


@hookimpl
def vicreg_recipes() -> list[RecipeFolder]:
    """The recipes addressed as ``biomedical/<name>``."""
    return [RecipeFolder(package="vicreg_biomedical", checkout="../../recipes/biomedical")]
