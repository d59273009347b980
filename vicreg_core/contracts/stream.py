"""Datasets in shards: too large to hold, too slow to visit at random."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vicreg_core.contracts.dataset import DatasetAdapter
from vicreg_core.contracts.keys import mix, mix_int, stream_id


class Broken(NamedTuple):
    """Stands where a sample should be that cannot be read."""

    place: str
    """Shard and row."""
    reason: str


class Placed(NamedTuple):
    """A sample of a stream."""

    place: str
    """Shard and row."""
    content: Any
    """What ``Augmentation.ingest`` takes."""


class StreamIds(Sequence[str]):
    """The ids of a stream, ``shard:row`` each, made when they are asked for.

    Args:
        names: of the shards.
        counts: ``(S,) int64`` rows of each.
    """

    def __init__(self, names: Sequence[str], counts: NDArray[np.int64]) -> None:
        self.names = names
        self.starts = np.concatenate([[0], np.cumsum(counts)])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        shard, row = self.place(index % len(self))
        return f"{self.names[shard]}:{row}"

    def place(self, index: int) -> tuple[int, int]:
        """Shard and row of a sample."""
        shard = int(np.searchsorted(self.starts, index, side="right")) - 1
        return shard, index - int(self.starts[shard])


class StreamHashes:
    """What keys the randomness of a stream's samples, computed where it is looked at and never held.

    Args:
        ids: of the stream.
    """

    def __init__(self, ids: StreamIds) -> None:
        self.starts = torch.from_numpy(ids.starts)
        self.shards = torch.tensor([stream_id(name) for name in ids.names], dtype=torch.int64)

    def __getitem__(self, indices: Tensor) -> Tensor:
        """``(B,) int64`` of the samples at ``indices``, by the name of their shard and their row."""
        shard = torch.searchsorted(self.starts, indices, right=True) - 1
        row = indices - self.starts[shard]
        return mix(self.shards[shard] ^ mix((row + 1) * mix_int(stream_id("row"))))


class StreamAdapter(DatasetAdapter):
    """A dataset in shards, whose samples are read in order and shuffled within a bounded buffer.

    It is trained on without labels; scores come from :meth:`sample`, or from a test split beside it. A
    subclass gives what follows, and ``info`` as every dataset does.
    """

    in_memory = False

    names: Sequence[str]
    """Of the shards, unlike each other; part of the ids."""

    counts: NDArray[np.int64]
    """``(S,) int64`` rows of each shard."""

    lanes: int = 8
    """Places of the stream that are read at once; a run has at most so many processes."""

    buffer: int = 8192
    """Samples that are held to be shuffled, over all lanes."""

    skip: bool = False
    """Leave out what cannot be read instead of stopping."""

    @cached_property
    def ids(self) -> StreamIds:  # type: ignore[override]
        """``shard:row`` of each sample."""
        return StreamIds(self.names, self.counts)

    @abstractmethod
    def read(self, shard: int, start: int, stop: int) -> list[Placed | Broken]:
        """The samples at rows ``start`` to ``stop - 1`` of a shard: :class:`Placed`, or :class:`Broken`.

        May be called by several threads at once.

        Raises:
            DataError: the shard cannot be read at all.
        """

    @abstractmethod
    def sample(self) -> DatasetAdapter:
        """Some samples, labelled where the stream has labels, as a dataset that scores can be taken on."""

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Any:
        """One sample, as :meth:`read` gives it."""
        shard, row = self.ids.place(int(index))
        return self.read(shard, row, row + 1)[0]


def at_hand(data: DatasetAdapter) -> DatasetAdapter:
    """Samples to look at: those of a dataset, of a stream its sample, which can be read."""
    return data.sample() if isinstance(data, StreamAdapter) else data
