"""Recipe keys of datasets that read tables out of files."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vicreg_core.recipes.schema import PositiveInt, StrictModel

Format = Literal["csv", "tsv", "jsonl", "json", "parquet", "xlsx"]


class TableFileConfig(StrictModel):
    """How the file of a table is read."""

    format: Annotated[
        Literal["auto"] | Format,
        Field(description="auto: by the file's suffix, before one of compression (.gz, .bz2, .zst)"),
    ] = "auto"
    delimiter: Annotated[
        str | None,
        Field(min_length=1, max_length=1, description="of csv and tsv; default: told from the first rows"),
    ] = None
    encoding: Annotated[str, Field(description="of csv, tsv, jsonl and json")] = "utf-8"
    sheet: Annotated[str | None, Field(description="of xlsx; default: the first")] = None
    max_unpacked_mib: Annotated[
        PositiveInt,
        Field(description="most MiB a compressed file (.gz, .bz2, .zst, .xlsx) may unpack to"),
    ] = 16_384
