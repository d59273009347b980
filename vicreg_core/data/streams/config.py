"""Recipe keys of datasets in shards."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vicreg_core.recipes.schema import Names, StrictModel


class ShardsConfig(StrictModel):
    """Which shards, and how they are read."""

    train: Annotated[
        Names,
        Field(
            min_length=1,
            description="shards (.tar, .parquet, .jsonl): paths, URLs, glob patterns, or their manifest.json",
        ),
    ]
    test: Annotated[Names, Field(description="the same for the test split, which is read whole")] = ()
    lanes: Annotated[
        int, Field(ge=1, le=4096, description="places read at once; a run has at most so many processes")
    ] = 8
    buffer: Annotated[
        int, Field(ge=2, description="samples shuffled among each other, twice which are held in memory")
    ] = 8192
    sample: Annotated[
        int, Field(ge=2, description="samples that statistics, vocabulary and scores are taken on")
    ] = 2000
