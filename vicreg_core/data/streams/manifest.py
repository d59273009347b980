"""What shards there are: named, by patterns, or by a manifest that knows how many rows each has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import Field, ValidationError

from vicreg_core.data.streams.stores import Store, found, patiently
from vicreg_core.errors import DataError
from vicreg_core.recipes.schema import StrictModel

FILE, VERSION = "manifest.json", 1


class ShardEntry(StrictModel):
    """A shard of a manifest.

    Attributes:
        name: relative to the manifest's folder.
        rows: of it.
        size: in bytes.
        sha256: of its bytes, hexadecimal.
    """

    name: Annotated[str, Field(min_length=1)]
    rows: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Manifest(StrictModel):
    """``manifest.json`` beside shards.

    Attributes:
        version: of the form of this file.
        source: what the shards were made of, as a hash; empty for shards that were found.
        shards: in order.
    """

    version: int = VERSION
    source: str = ""
    shards: Annotated[tuple[ShardEntry, ...], Field(strict=False)] = ()


class Listed(NamedTuple):
    """A shard that is to be read."""

    store: Store
    path: str
    rows: int | None = None
    """Where a manifest says it."""


def listed(key: str, patterns: Sequence[str]) -> list[Listed]:
    """The shards that a recipe's key names; a manifest stands for all of its own.

    Raises:
        DataError: nothing matches, or a manifest cannot be read.
    """
    shards = list[Listed]()
    for store, path in found(key, tuple(patterns)):
        if path.rpartition("/")[2] == FILE:
            shards += _of_manifest(store, path)
        else:
            shards.append(Listed(store, path))
    if not shards:
        raise DataError(f"{key}: {', '.join(patterns)} lists no shard")
    return shards


def _of_manifest(store: Store, path: str) -> list[Listed]:
    name = store.shown(path)
    manifest = parse_manifest(patiently(lambda: store.open(path).read(), name), name)
    folder = path.rpartition("/")[0]
    return [Listed(store, f"{folder}/{_inside(each.name, name)}", each.rows) for each in manifest.shards]


def parse_manifest(content: bytes, name: str) -> Manifest:
    """The manifest in a file's bytes.

    Raises:
        DataError: it is damaged, or of another version.
    """
    try:
        data: Any = json.loads(content)
        version = data.get("version") if isinstance(data, dict) else None
        if version != VERSION:
            raise DataError(
                f"{name} is a manifest of version {version!r}, this suite reads version {VERSION}: write it "
                "anew with vicreg shards index"
            )
        return Manifest.model_validate(data)
    except (ValueError, ValidationError) as error:
        raise DataError(f"{name} is no manifest of shards: {str(error).splitlines()[0]}") from error


def _inside(entry: str, name: str) -> str:
    if entry.startswith("/") or "://" in entry or ".." in entry.split("/"):
        raise DataError(f"{name} names {entry!r}, which leads out of its folder")
    return entry
