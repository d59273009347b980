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
from torch import Tensor
from torch.utils.data import DataLoader

from vicreg_core.contracts import Augmentation, Batch, DatasetAdapter
from vicreg_core.data.batch import to_device
from vicreg_core.data.reading import WorkerDataset, is_vectorised, prepare_batch, unwrapped
from vicreg_core.data.sampler import Share
from vicreg_core.data.workers import resolve_workers
from vicreg_core.errors import VicregError


class _StepDataset(WorkerDataset[list[Batch]]):
    """Maps a step to its raw batch: one shared by all views, or one prepared a view (and a clean one)."""

    def __init__(
        self, data: DatasetAdapter, augmentation: Augmentation, share: Share, views: int, clean: bool
    ) -> None:
        self.data, self.augmentation, self.share = data, augmentation, share
        self.views, self.clean = views, clean

    def read(self, index: int) -> list[Batch]:
        """The batches of step ``index``."""
        indices = self.share.indices(index)
        if not self.augmentation.per_sample:
            raw = self.data.__getitems__(indices)
            return [raw if self.data.in_memory else self.augmentation.collate(raw)]
        samples = [self.data[int(i)] for i in indices]
        keys = (self.share.keys(index, view) for view in range(self.views))
        batches = [prepare_batch(self.augmentation, samples, each) for each in keys]
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
        self.workers = 0
        if not is_vectorised(data, augmentation):
            self.workers = resolve_workers(workers, share.world_size)

    def __call__(self, start: int, stop: int) -> Iterator[list[Batch]]:
        """For each of the steps ``start`` to ``stop - 1`` the ``V`` views on the device, and ``clean``."""
        loader: DataLoader[list[Batch] | VicregError] = DataLoader(
            self._steps,
            batch_size=None,
            sampler=range(start, stop),
            num_workers=self.workers,
            pin_memory=self.device.type == "cuda",
        )
        for step, batches in zip(range(start, stop), loader, strict=True):
            yield self.make_views(step, self.move(unwrapped(batches)))

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
    def make_views(self, step: int, batches: list[Batch]) -> list[Batch]:
        """The views from the raw batches of ``step``: one batch for all views, or one a view."""
        shared = len(batches) == 1
        views = [
            self.augmentation(batches[0 if shared else view], self.share.keys(step, view).to(self.device))
            for view in range(self.views)
        ]
        if self.clean:
            views.append(self.augmentation.clean(self.augmentation(batches[-1], None)))
        return views
