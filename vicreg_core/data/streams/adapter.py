"""What the streams of all modalities share: rows of shards as items of their own kind."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property

from vicreg_core.contracts import DataInfo, DatasetAdapter
from vicreg_core.contracts.stream import Broken, Placed, StreamAdapter
from vicreg_core.data.streams.config import ShardsConfig
from vicreg_core.data.streams.shards import Shards


class ShardsAdapter(StreamAdapter):
    """A stream of the rows of shards; a subclass says what of a row is the item, and opens the sample.

    Args:
        config: where they are and how they are read.
        skip: leave out what cannot be read.
        columns: those that are needed; ``None``: all.
    """

    def __init__(self, config: ShardsConfig, *, skip: bool, columns: Sequence[str] | None = None) -> None:
        self.skip, self._where, self._needed = skip, config, columns
        self.shards = shards = Shards("data.train", config.train, columns=columns, skip=skip)
        self.names, self.counts, self.skipped = shards.names, shards.counts, tuple(shards.skipped)
        self.lanes, self.buffer = config.lanes, config.buffer

    @property
    def info(self) -> DataInfo:  # type: ignore[override]
        """That of the sample."""
        return self.sample().info

    def test_shards(self) -> Shards:
        """Those of the test split, which are read whole."""
        return Shards("data.test", self._where.test, columns=self._needed, skip=self.skip)

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
