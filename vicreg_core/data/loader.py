"""From a step number to the views of its batch, on the device.

Two roads, chosen by what the data is. In-memory data is read in one vectorised call in the training
process. Per-file data, and any data whose augmentation must run sample by sample, is read and prepared in
worker processes. Both yield the same views, since all randomness is keyed by the sample.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Literal

import torch
from torch.utils.data import DataLoader, Dataset

from vicreg_core.contracts import Augmentation, Batch, DatasetAdapter
from vicreg_core.data.batch import to_device
from vicreg_core.data.sampler import Share
from vicreg_core.data.workers import resolve_workers
from vicreg_core.errors import VicregError


class _StepDataset(Dataset["list[Batch] | VicregError"]):
    """Maps a step to its raw batch: one shared by all views, or one prepared batch a view.

    A user's error is returned rather than raised, since torch would wrap what a worker raises in the
    worker's traceback; the loader raises it in the training process.
    """

    def __init__(self, data: DatasetAdapter, augmentation: Augmentation, share: Share, views: int) -> None:
        self.data, self.augmentation, self.share, self.views = data, augmentation, share, views

    def __getitem__(self, step: int) -> list[Batch] | VicregError:
        try:
            return self._read(step)
        except VicregError as error:
            return error

    def _read(self, step: int) -> list[Batch]:
        indices = self.share.indices(step)
        if not self.augmentation.per_sample:
            raw = self.data.__getitems__(indices)
            return [raw if self.data.in_memory else self.augmentation.collate(raw)]
        samples = [self.data[int(i)] for i in indices]
        return [self._prepare(samples, step, view) for view in range(self.views)]

    def _prepare(self, samples: list[object], step: int, view: int) -> Batch:
        keys = self.share.keys(step, view)
        return self.augmentation.collate(
            [self.augmentation.prepare(sample, keys[row]) for row, sample in enumerate(samples)]
        )


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
    ) -> None:
        self.share, self.views, self.device = share, views, device
        self.augmentation = copy.deepcopy(augmentation).to(device)
        self._steps = _StepDataset(data, augmentation, share, views)
        self.workers = 0
        if augmentation.per_sample or not data.in_memory:
            self.workers = resolve_workers(workers, share.world_size)

    def __call__(self, start: int, stop: int) -> Iterator[list[Batch]]:
        """The views of steps ``start`` to ``stop - 1``, each a list of ``V`` batches on the device."""
        loader: DataLoader[list[Batch] | VicregError] = DataLoader(
            self._steps,
            batch_size=None,
            sampler=range(start, stop),
            num_workers=self.workers,
            pin_memory=self.device.type == "cuda",
        )
        for step, batches in zip(range(start, stop), loader, strict=True):
            if isinstance(batches, VicregError):
                raise batches
            yield self.make_views(step, [to_device(batch, self.device) for batch in batches])

    @torch.no_grad()
    def make_views(self, step: int, batches: list[Batch]) -> list[Batch]:
        """The views from the raw batches of ``step``: one batch for all views, or one a view."""
        shared = len(batches) == 1
        return [
            self.augmentation(batches[0 if shared else view], self.share.keys(step, view).to(self.device))
            for view in range(self.views)
        ]
