"""Hook implementations of the text plugin: data only, nothing heavy is imported here."""

from __future__ import annotations

from vicreg_core.plugins import (
    AugmentationSpec,
    DatasetSpec,
    EncoderSpec,
    ExportSpec,
    ProtocolSpec,
    RecipeFolder,
    hookimpl,
)

EXTRA = "vicreg-suite[text]"
_DATA = "vicreg_text.corpus"


@hookimpl
def vicreg_encoders() -> list[EncoderSpec]:
    """Encoders of token sequences."""
    return [
        EncoderSpec(
            name="bag",
            target="vicreg_text.encoders.bag:build",
            config="vicreg_text.encoders.config:BagConfig",
            summary="weighted bag of token embeddings, optionally started from the corpus' own SVD",
        ),
        EncoderSpec(
            name="transformer",
            target="vicreg_text.encoders.transformer:build",
            config="vicreg_text.encoders.config:TransformerConfig",
            summary="small transformer from scratch: rotary positions, mean pooling, windows for long text",
        ),
        EncoderSpec(
            name="hf",
            target="vicreg_text.encoders.huggingface:build",
            config="vicreg_text.encoders.config:HuggingFaceEncoderConfig",
            summary="pretrained Hugging Face encoder; all weights, its last layers or LoRA",
            requires=("transformers",),
            extra=EXTRA,
        ),
    ]


@hookimpl
def vicreg_augmentations() -> list[AugmentationSpec]:
    """Views of documents."""
    return [
        AugmentationSpec(
            name="spans",
            target="vicreg_text.augmentations.spans:build",
            config="vicreg_text.augmentations.config:SpansConfig",
            summary="random spans of a document, with optional token dropout and cutoff",
            requires=("tokenizers",),
            extra=EXTRA,
        ),
        AugmentationSpec(
            name="whole",
            target="vicreg_text.augmentations.whole:build",
            config="vicreg_text.augmentations.config:WholeConfig",
            summary="the whole document twice, so that views differ by dropout alone",
            requires=("tokenizers",),
            extra=EXTRA,
        ),
        AugmentationSpec(
            name="adjacent",
            target="vicreg_text.augmentations.adjacent:build",
            config="vicreg_text.augmentations.config:AdjacentConfig",
            summary="what lies before and after a random sentence boundary",
            requires=("tokenizers",),
            extra=EXTRA,
        ),
        AugmentationSpec(
            name="positives",
            target="vicreg_text.augmentations.positives:build",
            config="vicreg_text.augmentations.config:PositivesConfig",
            summary="spans of other rows with the same key: author, question, product (data.positives)",
            requires=("tokenizers",),
            extra=EXTRA,
        ),
    ]


@hookimpl
def vicreg_datasets() -> list[DatasetSpec]:
    """Where documents come from."""
    return [
        DatasetSpec(
            name="table",
            target=f"{_DATA}.table:build",
            config=f"{_DATA}.config:TableConfig",
            summary="rows of CSV, TSV, JSONL or Parquet files: text columns, optional label, group and id",
            requires=("tokenizers",),
            extra=EXTRA,
        ),
        DatasetSpec(
            name="pairs",
            target=f"{_DATA}.pairs:build",
            config=f"{_DATA}.config:PairsConfig",
            summary="sentence pairs with a similarity score, for the protocol text/sts",
            requires=("tokenizers",),
            extra=EXTRA,
        ),
        DatasetSpec(
            name="folder",
            target=f"{_DATA}.folder:build",
            config=f"{_DATA}.config:FolderConfig",
            summary="a folder of .txt files; its sub-folders are the labels",
            requires=("tokenizers",),
            extra=EXTRA,
        ),
        DatasetSpec(
            name="huggingface",
            target=f"{_DATA}.huggingface:build",
            config=f"{_DATA}.config:HuggingFaceConfig",
            summary="a dataset of the Hugging Face hub, or one saved to a local folder",
            requires=("datasets", "tokenizers"),
            extra=EXTRA,
        ),
        DatasetSpec(
            name="stdlib-docs",
            target=f"{_DATA}.stdlib_docs:build",
            config=f"{_DATA}.config:StdlibDocsConfig",
            summary="documentation strings of Python's standard library by package family; always at hand",
            requires=("tokenizers",),
            extra=EXTRA,
        ),
    ]


@hookimpl
def vicreg_protocols() -> list[ProtocolSpec]:
    """How vectors of documents are scored beyond the core's probes."""
    return [
        ProtocolSpec(
            name="sts",
            target="vicreg_text.protocols.similarity:build",
            summary="Spearman correlation of cosines with human similarity scores (data.name: text/pairs)",
        ),
        ProtocolSpec(
            name="geometry",
            target="vicreg_text.protocols.geometry:build",
            summary="anisotropy, dependence on length, invariance to padding",
        ),
    ]


@hookimpl
def vicreg_exports() -> list[ExportSpec]:
    """Folders that other libraries of documents open."""
    return [
        ExportSpec(
            name="sentence-transformers",
            target="vicreg_text.export:export_sentence_transformers",
            summary="a folder that SentenceTransformer(path) opens, with the same vectors",
            requires=("tokenizers",),
            extra=EXTRA,
            encoders=("text/bag", "text/hf"),
        ),
        ExportSpec(
            name="transformers",
            target="vicreg_text.export:export_transformers",
            summary="a folder that AutoModel and AutoTokenizer open",
            requires=("transformers",),
            extra=EXTRA,
            encoders=("text/hf",),
        ),
    ]


@hookimpl
def vicreg_recipes() -> list[RecipeFolder]:
    """The recipes addressed as ``text/<name>``."""
    return [RecipeFolder(package="vicreg_text", checkout="../../recipes/text")]
