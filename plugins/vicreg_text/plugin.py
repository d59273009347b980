"""Hook implementations of the text plugin: data only, nothing heavy is imported here."""

from __future__ import annotations

from vicreg_core.plugins import (
    AugmentationSpec,
    DatasetSpec,
    EncoderSpec,
    ExportSpec,
    ProtocolSpec,
    RecipeFolder,
    family,
    hookimpl,
)

_EXTRA = "vicreg-suite[text]"
_TOKENIZERS, _TRANSFORMERS = ("tokenizers",), ("transformers",)
_encoder = family(EncoderSpec, "vicreg_text.encoders", extra=_EXTRA)
_augmentation = family(
    AugmentationSpec,
    "vicreg_text.augmentations",
    requires=_TOKENIZERS,
    extra=_EXTRA,
    offers=("clean",),
)
_dataset = family(DatasetSpec, "vicreg_text.datasets", requires=_TOKENIZERS, extra=_EXTRA)
_protocol = family(ProtocolSpec, "vicreg_text.protocols")
_export = family(ExportSpec, "vicreg_text.export", extra=_EXTRA)


@hookimpl
def vicreg_encoders() -> list[EncoderSpec]:
    """Encoders of token sequences."""
    bag = "weighted bag of token embeddings, optionally started from the corpus' own SVD"
    transformer = "small transformer from scratch: rotary positions, mean pooling, windows for long text"
    hf = "pretrained Hugging Face encoder; all weights, its last layers or LoRA"
    return [
        _encoder("bag", "bag:build", "BagConfig", bag),
        _encoder("transformer", "transformer:build", "TransformerConfig", transformer),
        _encoder("hf", "huggingface:build", "HuggingFaceEncoderConfig", hf, requires=_TRANSFORMERS),
    ]


@hookimpl
def vicreg_augmentations() -> list[AugmentationSpec]:
    """Views of documents."""
    spans = "random spans of a document, with optional token dropout and cutoff"
    whole = "the whole document twice, so that views differ by dropout alone"
    adjacent = "what lies before and after a random sentence boundary"
    positives = "spans of other rows with the same key: author, question, product (data.positives)"
    return [
        _augmentation("spans", "spans:build", "SpansConfig", spans),
        _augmentation("whole", "whole:build", "WholeConfig", whole),
        _augmentation("adjacent", "adjacent:build", "AdjacentConfig", adjacent),
        _augmentation("positives", "positives:build", "PositivesConfig", positives),
    ]


@hookimpl
def vicreg_datasets() -> list[DatasetSpec]:
    """Where documents come from."""
    table = "rows of CSV, TSV, JSONL, JSON, Parquet or XLSX files: text columns, optional label, group and id"
    pairs = "sentence pairs with a similarity score, for the protocol text/sts"
    shards = "Parquet files, JSON lines or tar archives, read in order, on disks and object stores"
    folder = "a folder of .txt files; its sub-folders are the labels"
    hub = "a dataset of the Hugging Face hub, or one saved to a local folder"
    stdlib = "documentation strings of Python's standard library by package family; always at hand"
    return [
        _dataset("table", "table:build", "TableConfig", table),
        _dataset("pairs", "pairs:build", "PairsConfig", pairs),
        _dataset("shards", "shards:build", "ShardsConfig", shards),
        _dataset("folder", "folder:build", "FolderConfig", folder),
        _dataset(
            "huggingface",
            "huggingface:build",
            "HuggingFaceConfig",
            hub,
            requires=("datasets", *_TOKENIZERS),
        ),
        _dataset("stdlib-docs", "stdlib_docs:build", "StdlibDocsConfig", stdlib),
    ]


@hookimpl
def vicreg_protocols() -> list[ProtocolSpec]:
    """How vectors of documents are scored beyond the core's probes."""
    sts = "Spearman correlation of cosines with human similarity scores (data.name: text/pairs)"
    geometry = "anisotropy, dependence on length, invariance to padding"
    return [
        _protocol("sts", "similarity:build", None, sts),
        _protocol("geometry", "geometry:build", None, geometry),
    ]


@hookimpl
def vicreg_exports() -> list[ExportSpec]:
    """Folders that other libraries of documents open."""
    sentence = "a folder that SentenceTransformer(path) opens, with the same vectors"
    auto = "a folder that AutoModel and AutoTokenizer open"
    return [
        _export(
            "sentence-transformers",
            "sentence_transformers:export_sentence_transformers",
            None,
            sentence,
            requires=_TOKENIZERS,
            encoders=("text/bag", "text/hf"),
        ),
        _export(
            "transformers",
            "transformers:export_transformers",
            None,
            auto,
            requires=_TRANSFORMERS,
            encoders=("text/hf",),
        ),
    ]


@hookimpl
def vicreg_recipes() -> list[RecipeFolder]:
    """The recipes addressed as ``text/<name>``."""
    return [RecipeFolder(package="vicreg_text", checkout="../../recipes/text")]
