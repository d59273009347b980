"""From samples to batches, the same for training, evaluation and reports."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from torch.utils.data import Dataset

from vicreg_core.contracts import Augmentation, Batch, DatasetAdapter
from vicreg_core.contracts.keys import Keys
from vicreg_core.contracts.stream import Broken, Placed
from vicreg_core.errors import DataError, VicregError

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
        [
            prepare(_raw(augmentation, sample), None if keys is None else keys[row])
            for row, sample in enumerate(samples)
        ]
    )


def _raw(augmentation: Augmentation, sample: Any) -> Any:
    """What a stream gives is not ingested yet."""
    if not isinstance(sample, Placed | Broken):
        return sample
    (raw,), _, _ = ingested(augmentation, [sample], skip=False)
    return raw


def ingested(
    augmentation: Augmentation, items: Iterable[Any], *, skip: bool
) -> tuple[list[Any], list[int], list[str]]:
    """Raw samples of what a stream gives.

    Returns:
        The samples that can be read, their rows among ``items``, and the others, one "place: reason" each.

    Raises:
        DataError: one cannot be read, unless ``skip``.
    """
    samples, rows, broken = list[Any](), list[int](), list[str]()
    for row, item in enumerate(items):
        try:
            if isinstance(item, Broken):
                raise DataError(f"{item.place}: {item.reason}")
            samples.append(augmentation.ingest(item.content if isinstance(item, Placed) else item))
            rows.append(row)
        except DataError as error:
            line = f"{item.place}: {error}" if isinstance(item, Placed) else str(error)
            if not skip:
                raise DataError(f"{line}. Leave such samples out with data.on_error=skip") from error
            broken.append(line)
    return samples, rows, broken


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
