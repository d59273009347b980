"""What the streams of all modalities share: rows of shards as items of their own kind."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property

from vicreg_core.contracts import DataInfo, DatasetAdapter
from vicreg_core.contracts.stream import Broken, Placed, StreamAdapter
from vicreg_core.data.streams.config import ShardsConfig
from vicreg_core.data.streams.shards import Shards


class ShardsAdapter(StreamAdapter):
    """A stream of the rows of shards; a subclass says what of a row is the item, and opens the sample.

    Args:
        shards: where they are.
        config: how they are read.
        skip: leave out what cannot be read.
    """

    def __init__(self, shards: Shards, config: ShardsConfig, *, skip: bool) -> None:
        self.shards, self.skip = shards, skip
        self.names, self.counts, self.skipped = shards.names, shards.counts, tuple(shards.skipped)
        self.lanes, self.buffer = config.lanes, config.buffer

    @property
    def info(self) -> DataInfo:  # type: ignore[override]
        """That of the sample."""
        return self.sample().info

    @abstractmethod
    def item(self, row: Placed | Broken) -> Placed | Broken:
        """What ``Augmentation.ingest`` takes of a row's cells."""

    @abstractmethod
    def open_sample(self) -> DatasetAdapter:
        """The sample, opened once."""

    def read(self, shard: int, start: int, stop: int) -> list[Placed | Broken]:
        """The items of some rows."""
        return [self.item(row) for row in self.shards.rows(shard, start, stop)]

    def sample(self) -> DatasetAdapter:
        """The first rows of evenly spaced shards."""
        return self._sample

    @cached_property
    def _sample(self) -> DatasetAdapter:
        return self.open_sample()
