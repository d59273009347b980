"""From a step number to the views of its batch, on the device.

Two roads, chosen by what the data is. In-memory data is read in one vectorised call in the training
process. Per-file data, and any data whose augmentation must run sample by sample, is read and prepared in
worker processes. Both yield the same views, since all randomness is keyed by the sample.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from vicreg_core.contracts import Augmentation, Batch, DatasetAdapter
from vicreg_core.contracts.stream import StreamAdapter
from vicreg_core.data.batch import to_device
from vicreg_core.data.reading import WorkerDataset, ingested, is_vectorised, prepare_batch, unwrapped
from vicreg_core.data.sampler import Share
from vicreg_core.data.streams.windows import WindowReader
from vicreg_core.data.workers import resolve_workers
from vicreg_core.errors import DataError, VicregError

_NAMED = 5
"""Samples that could not be read and are named; the others are counted."""


class Raw(NamedTuple):
    """What a step's views are made of.

    Attributes:
        batches: one shared by all views, or one prepared a view (and a clean one).
        rows: those of the step's that are there, where some could not be read; ``None``: all.
        broken: the others, one "place: reason" each.
    """

    batches: list[Batch]
    rows: Tensor | None = None
    broken: tuple[str, ...] = ()


class _StepDataset(WorkerDataset[Raw]):
    """Maps a step, of a stream with its samples, to what its views are made of."""

    def __init__(
        self, data: DatasetAdapter, augmentation: Augmentation, share: Share, views: int, clean: bool
    ) -> None:
        self.data, self.augmentation, self.share = data, augmentation, share
        self.views, self.clean = views, clean

    def steps(self, start: int, stop: int) -> Iterable[Any]:
        """What the loader is asked for, in order."""
        if isinstance(self.data, StreamAdapter):
            return WindowReader(self.data, self.share)(start, stop)
        return range(start, stop)

    def read(self, index: Any) -> Raw:
        """The raw batches of a step."""
        if isinstance(self.data, StreamAdapter):
            step, items = index
            return self._of_stream(self.data, step, items)
        indices = self.share.indices(index)
        if not self.augmentation.per_sample:
            raw = self.data.__getitems__(indices)
            return Raw([raw if self.data.in_memory else self.augmentation.collate(raw)])
        return Raw(self._prepared([self.data[int(i)] for i in indices], index, None))

    def _of_stream(self, data: StreamAdapter, step: int, items: list[Any]) -> Raw:
        samples, rows, broken = ingested(self.augmentation, items, skip=data.skip)
        kept = torch.tensor(rows) if broken else None
        if not samples:
            return Raw([], kept, tuple(broken))
        if self.augmentation.per_sample:
            return Raw(self._prepared(samples, step, kept), kept, tuple(broken))
        return Raw([self.augmentation.collate(samples)], kept, tuple(broken))

    def _prepared(self, samples: list[Any], step: int, rows: Tensor | None) -> list[Batch]:
        keys = (self.share.keys(step, view) for view in range(self.views))
        of_rows = keys if rows is None else (each[rows] for each in keys)
        batches = [prepare_batch(self.augmentation, samples, each) for each in of_rows]
        return batches + ([prepare_batch(self.augmentation, samples, None)] if self.clean else [])


class ViewLoader:
    """Yields, for each step, the list of augmented views of this process's share of the batch.

    Args:
        data: the training samples.
        augmentation: makes the views. Workers keep it on the CPU; a copy on ``device`` makes the views.
        share: which samples a step sees, and their keys.
        views: number of views ``V``.
        device: where ``Augmentation.forward`` runs and the views end up.
        workers: loader processes for data that needs them; ``"auto"`` is this process's share of the
            cores less one, at least 1 and at most 8.
        clean: yield ``Augmentation.clean`` of the evaluation views too, ``(B, T)``, after the views.
    """

    def __init__(
        self,
        data: DatasetAdapter,
        augmentation: Augmentation,
        share: Share,
        *,
        views: int,
        device: torch.device,
        workers: int | Literal["auto"] = "auto",
        clean: bool = False,
    ) -> None:
        self.share, self.views, self.device, self.clean = share, views, device, clean
        self.augmentation = copy.deepcopy(augmentation).to(device)
        self._steps = _StepDataset(data, augmentation, share, views, clean)
        self.workers = self.broken = 0
        if not is_vectorised(data, augmentation):
            self.workers = resolve_workers(workers, share.world_size)

    def __call__(self, start: int, stop: int) -> Iterator[list[Batch]]:
        """For each of the steps ``start`` to ``stop - 1`` the ``V`` views on the device, and ``clean``."""
        loader: DataLoader[Raw | VicregError] = DataLoader(
            self._steps,
            batch_size=None,
            sampler=self._steps.steps(start, stop),
            num_workers=self.workers,
            pin_memory=self.device.type == "cuda",
        )
        for step, item in zip(range(start, stop), loader, strict=True):
            raw = unwrapped(item)
            self._say_broken(raw)
            yield self.make_views(step, self.move(raw.batches), raw.rows)

    def _say_broken(self, raw: Raw) -> None:
        for line in raw.broken[: max(0, _NAMED - self.broken)]:
            warnings.warn(f"left out {line}", stacklevel=2)
        self.broken += len(raw.broken)
        if raw.broken and not raw.batches:
            raise DataError(f"no sample of a step could be read, the first being {raw.broken[0]}")

    @property
    def raw_augmentation(self) -> Augmentation:
        """The augmentation on the CPU, whose ``prepare`` and ``collate`` make the raw batches."""
        return self._steps.augmentation

    def move(self, batches: list[Batch]) -> list[Batch]:
        """The raw batches of a step on the device."""
        return [to_device(batch, self.device) for batch in batches]

    def labels(self, step: int) -> Tensor | None:
        """``(B,) int64`` on the device: the labels of this process's rows of a step, -1 where it has none."""
        labels = self._steps.data.labels
        rows = self.share.indices(step)
        return None if labels is None else torch.from_numpy(labels[rows]).to(self.device)

    @torch.no_grad()
    def make_views(self, step: int, batches: list[Batch], rows: Tensor | None = None) -> list[Batch]:
        """The views from the raw batches of ``step``: one batch for all views, or one a view.

        Args:
            step: whose.
            batches: raw.
            rows: those of the step's that they hold; ``None``: all.
        """
        shared = len(batches) == 1
        keys = (self.share.keys(step, view) for view in range(self.views))
        views = [
            self.augmentation(
                batches[0 if shared else view], (each if rows is None else each[rows]).to(self.device)
            )
            for view, each in enumerate(keys)
        ]
        if self.clean:
            views.append(self.augmentation.clean(self.augmentation(batches[-1], None)))
        return views
