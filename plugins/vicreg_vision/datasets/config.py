"""The recipe keys of the image datasets."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import Field, field_validator

from vicreg_core.data.streams.config import ShardsConfig as CoreShardsConfig
from vicreg_core.data.tables import TableFileConfig
from vicreg_core.recipes.schema import Names, PositiveInt, StrictModel


class DigitsConfig(StrictModel):
    """Keys of ``vision/digits``: none."""


CACHES = ("auto", "memory", "none")
"""What ``cache`` may be beside a folder."""


class ImageConfig(StrictModel):
    """Keys of every dataset that decodes image files."""

    channels: Annotated[
        Literal["auto", 1, 3], Field(description="auto: 3 (RGB) if any training image is in colour, else 1")
    ] = "auto"
    on_error: Annotated[
        Literal["raise", "skip"],
        Field(description="what to do with an unreadable image; skip decodes all of them once at the start"),
    ] = "raise"
    bit_depth: Annotated[
        Annotated[int, Field(ge=8, le=16)] | None,
        Field(description="bits that 16-bit images use; none: the fewest that hold the training images"),
    ] = None
    max_image_mib: Annotated[
        PositiveInt, Field(description="most memory of one decoded image, in MiB; larger ones are refused")
    ] = 256
    cache: Annotated[
        str,
        Field(
            min_length=1,
            description="auto: hold images of one size decoded in memory where they take up to 2 GiB; "
            "memory; none; or a folder, in which every image is kept decoded and reduced",
        ),
    ] = "auto"
    cache_side: Annotated[
        int, Field(ge=16, le=16_384, description="shorter side of the images in a cache folder, in pixels")
    ] = 256

    @field_validator("cache")
    @classmethod
    def _is_meant(cls, cache: str) -> str:
        """A word that is nearly one of the others is no folder."""
        near = [] if "/" in cache or "\\" in cache else get_close_matches(cache.lower(), CACHES, n=1)
        if near and cache not in CACHES:
            raise ValueError(
                f"expected {', '.join(CACHES)} or a folder, got {cache!r}; did you mean {near[0]!r}? "
                f"A folder of that name is ./{cache}"
            )
        return cache


class FolderConfig(ImageConfig):
    """Keys of ``vision/folder``."""

    path: Annotated[str, Field(min_length=1, description="folder of images, searched with its sub-folders")]
    test_path: Annotated[
        str | None, Field(description="folder of test images; none: a sub-folder test or val beside train")
    ] = None
    links: Annotated[
        Literal["inside", "follow"],
        Field(description="inside: links that lead out of the folder are left out; follow: they are read"),
    ] = "inside"
    class_folders: Annotated[
        Literal["auto", "none"],
        Field(
            description="auto: an image's first sub-folder is its class, where there are two; none: no class"
        ),
    ] = "auto"


class ColumnsConfig(ImageConfig):
    """Keys of every dataset that is a table."""

    image_column: Annotated[
        str, Field(min_length=1, description="column of images; auto: found by its type")
    ] = "auto"
    label_column: Annotated[
        str, Field(min_length=1, description="column of classes; auto: found by its name; none: unlabelled")
    ] = "auto"
    id_column: Annotated[str | None, Field(description="column of unique ids; none: the row's number")] = None
    group_column: Annotated[
        str | None, Field(description="column of groups (patient, slide) that evaluation must not split")
    ] = None


class TableConfig(TableFileConfig, ColumnsConfig):
    """Keys of ``vision/table``."""

    train: Annotated[Names, Field(min_length=1, description="file, or several, or a glob pattern")]
    test: Annotated[Names, Field(description="the same for the test split")] = ()
    root: Annotated[
        str | None, Field(description="folder that paths in the table are relative to; none: the table's")
    ] = None


class ShardsConfig(CoreShardsConfig, ColumnsConfig):
    """Keys of ``vision/shards``."""


class HuggingFaceConfig(ColumnsConfig):
    """Keys of ``vision/huggingface``."""

    path: Annotated[str, Field(min_length=1, description="id on the hub, or a local folder")]
    config_name: Annotated[str | None, Field(description="configuration of the dataset")] = None
    revision: Annotated[str | None, Field(description="commit, tag or branch on the hub")] = None
    train_split: Annotated[str, Field(min_length=1)] = "train"
    test_split: Annotated[
        str, Field(min_length=1, description="auto: test or else validation; none: no test split")
    ] = "auto"
