"""Recipe keys of the text datasets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from vicreg_core.data.streams.config import ShardsConfig as CoreShardsConfig
from vicreg_core.data.tables import TableFileConfig
from vicreg_core.recipes.schema import Names, NonNegativeInt, PositiveInt, StrictModel
from vicreg_text.tokens.config import TokenizerConfig


class CorpusConfig(StrictModel):
    """What every text dataset takes."""

    tokenizer: TokenizerConfig = TokenizerConfig()
    token_vectors: Annotated[
        NonNegativeInt,
        Field(description="width of the corpus' TF-IDF/SVD token vectors an encoder may start from; 0: none"),
    ] = 0
    neighbours: Annotated[
        int,
        Field(ge=0, le=64, description="nearest documents that may be views of a document; 0: none"),
    ] = 0
    max_fit: Annotated[
        PositiveInt, Field(description="most documents the tokenizer, vectors and floors are fitted on")
    ] = 100_000
    on_error: Annotated[
        Literal["raise", "skip"],
        Field(description="a row that cannot be read: stop, or leave it out and say so"),
    ] = "raise"

    @field_validator("neighbours")
    @classmethod
    def _found_by_vectors(cls, neighbours: int, info: ValidationInfo) -> int:
        if neighbours and not info.data.get("token_vectors"):
            raise ValueError("neighbours are found by the corpus' token vectors; set data.token_vectors=256")
        return neighbours


class ColumnsConfig(CorpusConfig):
    """Which columns of a table mean what."""

    text: Annotated[Names, Field(min_length=1, description="text column, or several to join by a line break")]
    label: Annotated[str | None, Field(description="column of the class, for evaluation only")] = None
    group: Annotated[str | None, Field(description="column that evaluation splits never cross")] = None
    id: Annotated[str | None, Field(description="column of unique ids; default: the row number")] = None
    positives: Annotated[
        str | None, Field(description="rows with the same value here may be views of one another")
    ] = None
    metadata: Annotated[Names, Field(description="further columns to carry into exported vectors")] = ()

    @field_validator("positives")
    @classmethod
    def _one_kind(cls, positives: str | None, info: ValidationInfo) -> str | None:
        if positives is not None and info.data.get("neighbours"):
            raise ValueError("views come from rows with the same key, or from neighbours; set one to none")
        return positives


class FilesConfig(TableFileConfig, CorpusConfig):
    """Which files hold a table, and how to read them."""

    train: Annotated[Names, Field(min_length=1, description="file, or several, or a glob pattern")]
    test: Annotated[Names, Field(description="as train, for evaluation only")] = ()


class TableConfig(FilesConfig, ColumnsConfig):
    """Rows of CSV, TSV, JSONL, JSON, Parquet or XLSX files."""


class ShardsConfig(CoreShardsConfig, ColumnsConfig):
    """Rows of Parquet files or JSON lines, or files of tar archives, read in order."""

    sample: Annotated[
        int, Field(ge=2, description="documents that tokenizer, token vectors and scores are taken on")
    ] = 20_000

    @field_validator("neighbours", "positives")
    @classmethod
    def _one_by_one(cls, value: int | str | None) -> int | str | None:
        if value:
            raise ValueError("documents of a stream are read in order and have no partners; leave it out")
        return value


class PairsConfig(FilesConfig):
    """Rows of two sentences and the similarity people see in them."""

    first: Annotated[str, Field(description="column of the first sentence")] = "sentence1"
    second: Annotated[str, Field(description="column of the second sentence")] = "sentence2"
    score: Annotated[str | None, Field(description="column of the similarity; null: none")] = "score"


class FolderConfig(CorpusConfig):
    """A folder of ``.txt`` files, one document each."""

    train: Annotated[str, Field(description="folder, searched recursively")]
    test: Annotated[str | None, Field(description="as train, for evaluation only")] = None
    class_folders: Annotated[
        Literal["auto", "none"],
        Field(description="auto: a document's first folder below the root is its class; none: no classes"),
    ] = "auto"
    pattern: str = "*.txt"
    encoding: str = "utf-8"


class HuggingFaceConfig(ColumnsConfig):
    """A dataset of the Hugging Face hub, or a local folder written by ``save_to_disk``."""

    path: Annotated[str, Field(description="hub id, or local folder")]
    config: Annotated[str | None, Field(description="name of the hub dataset's configuration")] = None
    revision: str | None = None
    train: Annotated[str, Field(description="name of the split to train on")] = "train"
    test: Annotated[str | None, Field(description="name of the split to evaluate on")] = None


class StdlibDocsConfig(CorpusConfig):
    """Documentation strings of the Python standard library this interpreter came with."""

    min_words: Annotated[PositiveInt, Field(description="shorter documentation strings are left out")] = 12
    max_documents: Annotated[PositiveInt | None, Field(description="most documents, for a quick try")] = None
