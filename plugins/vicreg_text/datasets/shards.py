"""``text/shards``: documents in Parquet files, JSON lines or tar archives, on disks and object stores."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cached_property

from vicreg_core.contracts import Broken, Placed, Split
from vicreg_core.data.streams.adapter import ShardsAdapter
from vicreg_core.data.streams.sampled import sampled
from vicreg_core.data.streams.shards import Shards
from vicreg_core.data.tables import Row
from vicreg_text.datasets.adapter import TextDataset
from vicreg_text.datasets.config import ShardsConfig
from vicreg_text.datasets.source import Columns, Source
from vicreg_text.datasets.splits import open_split

_ID = "shard_row"


class TextShards(ShardsAdapter):
    """Documents as strings, in order.

    Args:
        config: the recipe keys.
    """

    def __init__(self, config: ShardsConfig) -> None:
        super().__init__(config, skip=config.on_error == "skip", columns=Columns.of(config).read)
        self.config = config

    @cached_property
    def source(self) -> Source:
        """The sample before anything is derived from it."""
        return _source(self.shards, self.config, self.config.sample)

    def open_sample(self) -> TextDataset:
        """With the tokenizer and the token vectors that are fitted to it."""
        found = open_split(self.config, "train", self.source, None)
        assert found is not None
        return found

    def item(self, row: Placed | Broken) -> Placed | Broken:
        """The text of a row."""
        if isinstance(row, Broken):
            return row
        columns = self.config.text
        if lacking := [name for name in columns if name not in row.content]:
            return Broken(row.place, f"no column {lacking[0]!r} (data.text) among {', '.join(row.content)}")
        parts = [_as_text(row.content[name]) for name in columns]
        if wrong := [
            name for name, part in zip(columns, parts, strict=True) if not isinstance(part, str | None)
        ]:
            return Broken(row.place, f"column {wrong[0]!r} holds no text")
        text = "\n".join(str(part) for part in parts if part)
        return Placed(row.place, text) if text.strip() else Broken(row.place, "no text")


def build(config: ShardsConfig, split: Split) -> TextDataset | TextShards | None:
    """The stream of training documents, or the documents of the test shards.

    Raises:
        DataError: for shards, columns or rows that cannot be used.
    """
    if split == "test" and not config.test:
        return None
    train = TextShards(config)
    if split == "train":
        return train
    return open_split(config, "test", train.source, lambda: _source(train.test_shards(), config, None))


def _source(shards: Shards, config: ShardsConfig, size: int | None) -> Source:
    """Rows of shards as a source of documents whose ids are those of the stream."""
    rows = sampled(shards, size, skip=config.on_error == "skip")
    tables = [
        Row(each.place, {**{name: _as_text(v) for name, v in each.content.items()}, _ID: identifier})
        for identifier, each in rows
    ]
    digest = hashlib.sha256()
    for row in tables:
        digest.update(json.dumps(dict(row.values), default=str, sort_keys=True).encode())

    def read() -> Iterator[Row]:
        return iter(tables)

    columns = Columns.of(config.model_copy(update={"id": _ID}))
    return Source(shards.key, digest.hexdigest(), read, columns)


def _as_text(value: object) -> object:
    """Bytes of a file in an archive as text; anything else as it is."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
