"""Hook implementations of the microscopy plugin: data only, nothing heavy is imported here."""

from __future__ import annotations

from vicreg_core.plugins import (
    AugmentationSpec,
    DatasetSpec,
    EncoderSpec,
    ProtocolSpec,
    RecipeFolder,
    hookimpl,
)

EXTRA = "vicreg-suite[biomedical]"


@hookimpl
def vicreg_encoders() -> list[EncoderSpec]:
    """Encoders of cells with any number of channels."""
    return [
        EncoderSpec(
            name="small-cnn",
            target="vicreg_biomedical.encoders.small_cnn:build",
            config="vicreg_biomedical.encoders.config:SmallCNNConfig",
            summary="small residual network for cell crops on a CPU, any number of channels",
        ),
        EncoderSpec(
            name="channel-adaptive",
            target="vicreg_biomedical.encoders.channel_adaptive:build",
            config="vicreg_biomedical.encoders.config:ChannelAdaptiveConfig",
            summary="one trunk shared by all channels; takes a panel it was not trained on",
        ),
        *(
            EncoderSpec(
                name=f"monai-{name}",
                target=f"vicreg_biomedical.encoders.monai_nets:build_{name}",
                config=f"vicreg_biomedical.encoders.config:Monai{model}Config",
                summary=f"MONAI's {model}, flat images or volumes, any number of channels",
                requires=requires,
                extra=EXTRA,
            )
            for name, model, requires in (
                ("resnet", "ResNet", ("monai",)),
                ("densenet", "DenseNet", ("monai",)),
                ("efficientnet", "EfficientNet", ("monai",)),
                ("vit", "ViT", ("monai", "einops")),
            )
        ),
    ]


@hookimpl
def vicreg_augmentations() -> list[AugmentationSpec]:
    """Views of cells."""
    return [
        AugmentationSpec(
            name="cells",
            target="vicreg_biomedical.augmentations.cells:build",
            config="vicreg_biomedical.augmentations.config:CellsConfig",
            summary="views of cell crops, batched: presets fluorescence, brightfield, histology",
            requires=("PIL", "tifffile"),
            extra=EXTRA,
        ),
        AugmentationSpec(
            name="monai",
            target="vicreg_biomedical.augmentations.monai:build",
            config="vicreg_biomedical.augmentations.config:MonaiConfig",
            summary="a list of MONAI's array transforms by name, sample by sample",
            requires=("monai", "PIL", "tifffile"),
            extra=EXTRA,
        ),
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
        DatasetSpec(
            name="crops",
            target="vicreg_biomedical.datasets.crops:build",
            config="vicreg_biomedical.datasets.config:CropsConfig",
            summary="single-cell crops: a folder of images, npy, npz (also MedMNIST) or Parquet with images",
            requires=("PIL", "tifffile"),
            extra=EXTRA,
        ),
        DatasetSpec(
            name="plate",
            target="vicreg_biomedical.datasets.plate:build",
            config="vicreg_biomedical.datasets.config:PlateConfig",
            summary="single cells cut from plates: OME-TIFF, a file a channel, or OME-Zarr",
            requires=("PIL", "scipy", "tifffile", "zarr"),
            extra=EXTRA,
        ),
    ]


@hookimpl
def vicreg_protocols() -> list[ProtocolSpec]:
    """How much of a score is biology and how much is the batch."""
    protocols = "vicreg_biomedical.protocols.batches"
    return [
        ProtocolSpec(
            name="balanced-linear",
            target=f"{protocols}:build_balanced_linear",
            summary="the linear probe decided at equal class priors, for rare cancers and rare phases",
        ),
        ProtocolSpec(
            name="leave-group-out",
            target=f"{protocols}:build_leave_group_out",
            summary="a linear probe on some plates, patients or microscopes, scored on the others",
        ),
        ProtocolSpec(
            name="batch-correction",
            target=f"{protocols}:build_batch_correction",
            summary="leave-group-out after centre-scale, spherize and TVN, beside the uncorrected",
        ),
        ProtocolSpec(
            name="not-same-batch",
            target=f"{protocols}:build_not_same_batch",
            summary="label of the nearest neighbour from another plate",
        ),
        ProtocolSpec(
            name="replicate-retrieval",
            target="vicreg_biomedical.protocols.replicates:build",
            summary="mean average precision of replicate profiles across plates, by copairs",
            requires=("copairs", "pandas"),
            extra=EXTRA,
        ),
    ]


@hookimpl
def vicreg_recipes() -> list[RecipeFolder]:
    """The recipes addressed as ``biomedical/<name>``."""
    return [RecipeFolder(package="vicreg_biomedical", checkout="../../recipes/biomedical")]
