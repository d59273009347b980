"""From samples to batches, the same for training, evaluation and reports."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from torch.utils.data import Dataset

from vicreg_core.contracts import Augmentation, Batch, DatasetAdapter
from vicreg_core.contracts.keys import Keys
from vicreg_core.errors import VicregError

T = TypeVar("T")


def is_vectorised(data: DatasetAdapter, augmentation: Augmentation) -> bool:
    """Whether a batch is one read in the calling process: nothing is done sample by sample."""
    return data.in_memory and not augmentation.per_sample


def prepare_batch(augmentation: Augmentation, samples: Iterable[Any], keys: Keys | None) -> Batch:
    """Prepare raw samples one by one and collate them.

    Args:
        augmentation: whose ``prepare`` and ``collate`` are called.
        samples: as ``DatasetAdapter.__getitem__`` gives them.
        keys: one key a sample for random views; ``None`` for the evaluation view.
    """
    prepare = augmentation.prepare
    return augmentation.collate(
        [prepare(sample, None if keys is None else keys[row]) for row, sample in enumerate(samples)]
    )


class WorkerDataset(Dataset["T | VicregError"], Generic[T]):
    """A dataset whose user's errors come through a loader worker as they are.

    torch wraps what a worker raises in the worker's traceback. So an error is returned as an item, and
    :func:`unwrapped` raises it in the process that asked.
    """

    def __getitem__(self, index: int) -> T | VicregError:
        try:
            return self.read(index)
        except VicregError as error:
            return error

    @abstractmethod
    def read(self, index: int) -> T:
        """The item, or a :class:`VicregError`."""


def unwrapped(item: T | VicregError) -> T:
    """The item; raises it where it is the error that reading it ended in."""
    if isinstance(item, VicregError):
        raise item
    return item
