"""From a dataset to the vectors of its samples."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, product
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from vicreg_core.contracts import Augmentation, Batch, DatasetAdapter, Encoder
from vicreg_core.contracts.keys import Keys, hash_ids, mix_int, stream_id
from vicreg_core.contracts.severity import SEVERITIES
from vicreg_core.data.batch import to_channels_last, to_device
from vicreg_core.data.reading import WorkerDataset, is_vectorised, prepare_batch, unwrapped
from vicreg_core.data.workers import resolve_workers
from vicreg_core.errors import DataError, VicregError
from vicreg_core.inference.cache import FeatureCache
from vicreg_core.models.precision import Precision

BATCH_SIZE = 256
Workers: TypeAlias = int | Literal["auto"]
KeysOf: TypeAlias = Callable[[NDArray[np.int64]], Keys]


class CorruptedBlock(NamedTuple):
    """The vectors of one block of corrupted test samples."""

    corruption: str
    severity: int
    place: slice
    """Where in the samples asked for the block lies."""
    vectors: NDArray[np.float32]


class _Blocks(WorkerDataset[Batch]):
    """Maps the number of a block of rows to its batch, ready for ``Augmentation.forward``."""

    def __init__(
        self,
        data: DatasetAdapter,
        augmentation: Augmentation,
        blocks: list[NDArray[np.int64]],
        keys: KeysOf | None,
    ) -> None:
        self.data, self.augmentation, self.blocks, self.keys = data, augmentation, blocks, keys

    def read(self, index: int) -> Batch:
        """The batch of block ``index``."""
        rows = self.blocks[index]
        if is_vectorised(self.data, self.augmentation):
            batch: Batch = self.data.__getitems__(rows)
            return batch
        keys = self.keys(rows) if self.keys and self.augmentation.per_sample else None
        return prepare_batch(self.augmentation, (self.data[int(row)] for row in rows), keys)


class Embedder:
    """Turns samples of a dataset into representations with one encoder, batch by batch.

    Args:
        encoder: in evaluation mode while it is used here; left in the mode it came in.
        augmentation: makes the evaluation view, or random views where keys are given.
        device: where the encoder lies and computes.
        batch_size: samples a pass.
        workers: loader processes for per-file data.
        precision: dtype of the forward pass, float32 where the encoder is not sound in it; ``None``: float32,
            whatever autocast the caller is in.
        cache: where vectors of batches seen before are kept.
    """

    def __init__(
        self,
        encoder: Encoder,
        augmentation: Augmentation,
        *,
        device: torch.device,
        batch_size: int = BATCH_SIZE,
        workers: Workers = "auto",
        precision: Precision | None = None,
        cache: FeatureCache | None = None,
    ) -> None:
        self.encoder, self.augmentation, self.device = encoder.to(device), augmentation, device
        # Worker processes are handed the original, which stays on the CPU.
        self.on_device = copy.deepcopy(augmentation).to(device).eval()
        self.batch_size, self.workers, self.cache = batch_size, workers, cache
        self.precision = (precision or Precision(device.type, torch.float32)).sound_for(encoder)

    def embed(self, data: DatasetAdapter, rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """The representations ``(len(rows), D) float32`` of the evaluation views of samples.

        Args:
            data: the samples.
            rows: ``(m,) int64`` which of them; ``None``: all, in order.

        Raises:
            DataError: a sample cannot be read, or the encoder gives NaN or infinity for it.
        """
        rows = np.arange(len(data)) if rows is None else rows
        vectors = np.empty((len(rows), self.encoder.embedding_dim), dtype=np.float32)
        for start, block, batch in self._batches(data, rows, None):
            vectors[start : start + len(block)] = self._vectors_of(batch, None)
            _require_finite(vectors[start : start + len(block)], [data.ids[int(row)] for row in block])
        return vectors

    def embed_views(
        self, data: DatasetAdapter, rows: NDArray[np.int64], views: int, seed: int
    ) -> NDArray[np.float32]:
        """The representations ``(len(rows), views, D) float32`` of random views of samples."""
        ids = hash_ids(data.ids)
        vectors = np.empty((len(rows), views, self.encoder.embedding_dim), dtype=np.float32)
        for view in range(views):
            # Views come in pairs of unlike kind where an augmentation is asymmetric: one pair an epoch.
            def keys(block: NDArray[np.int64], view: int = view) -> Keys:
                return Keys.of(seed, view // 2, ids[torch.from_numpy(block)], view % 2)

            for start, block, batch in self._batches(data, rows, keys):
                made = self._vectors_of(batch, keys(block).to(self.device))
                _require_finite(made, [data.ids[int(row)] for row in block])
                vectors[start : start + len(block), view] = made
        return vectors

    def embed_corrupted(
        self, data: DatasetAdapter, rows: NDArray[np.int64], seed: int
    ) -> Iterator[CorruptedBlock]:
        """The representations of samples in each way and degree their augmentation can corrupt them.

        A block is read once and corrupted many times, since reading may cost more than the encoder.
        """
        ids, seed = hash_ids(data.ids), mix_int(seed, stream_id("corruption"))
        for start, block, read in self._batches(data, rows, None):
            batch = to_device(read, self.device)
            keys = Keys.of(seed, 0, ids[torch.from_numpy(block)], 0).to(self.device)
            names = [data.ids[int(row)] for row in block]
            for corruption, severity in product(self.augmentation.corruptions, SEVERITIES):
                vectors = self._represent(self.on_device.corrupt(batch, corruption, severity, keys))
                _require_finite(vectors, names)
                yield CorruptedBlock(corruption, severity, slice(start, start + len(block)), vectors)

    def encode(self, items: Iterable[Any]) -> NDArray[np.float32]:
        """The representations ``(n, D) float32`` of items as ``Augmentation.ingest`` takes them.

        Raises:
            DataError: an item cannot be read, or the encoder gives NaN or infinity for it.
        """
        vectors, start = [np.empty((0, self.encoder.embedding_dim), dtype=np.float32)], 0
        iterator = iter(items)
        while block := list(islice(iterator, self.batch_size)):
            samples = (self.augmentation.ingest(item) for item in block)
            made = self.encode_batch(prepare_batch(self.augmentation, samples, None))
            _require_finite(made, [f"item {start + place}" for place in range(len(block))])
            vectors.append(made)
            start += len(block)
        return np.concatenate(vectors)

    def batches(self, data: DatasetAdapter, rows: NDArray[np.int64]) -> Iterator[Batch]:
        """The evaluation views of samples on the device, as the encoder takes them."""
        for _, _, batch in self._batches(data, rows, None):
            with torch.no_grad():
                yield self._laid_out(self.on_device(to_device(batch, self.device), None))

    def _batches(
        self, data: DatasetAdapter, rows: NDArray[np.int64], keys: KeysOf | None
    ) -> Iterator[tuple[int, NDArray[np.int64], Batch]]:
        """Start, rows and batch of each block; read by worker processes where that pays."""
        starts = range(0, len(rows), self.batch_size)
        blocks = [rows[start : start + self.batch_size] for start in starts]
        vectorised = is_vectorised(data, self.augmentation)
        loader: DataLoader[Batch | VicregError] = DataLoader(
            _Blocks(data, self.augmentation, blocks, keys),
            batch_size=None,
            sampler=range(len(blocks)),
            num_workers=0 if vectorised or len(blocks) < 2 else resolve_workers(self.workers),
            pin_memory=self.device.type == "cuda",
        )
        for start, block, batch in zip(starts, blocks, loader, strict=True):
            yield start, block, unwrapped(batch)

    def _laid_out(self, view: Batch) -> Batch:
        return to_channels_last(view) if self.encoder.channels_last else view

    def _vectors_of(self, batch: Batch, keys: Keys | None) -> NDArray[np.float32]:
        """The vectors of one batch, from the cache if they are there."""
        if self.cache is None or keys is not None:
            return self.encode_batch(batch, keys)
        return self.cache.get_or_make(batch, lambda: self.encode_batch(batch))

    @torch.no_grad()
    def encode_batch(self, batch: Batch, keys: Keys | None = None) -> NDArray[np.float32]:
        """The representations ``(B, D) float32`` of a batch as ``Augmentation.forward`` takes it."""
        return self._represent(self.on_device(to_device(batch, self.device), keys))

    @torch.no_grad()
    def _represent(self, view: Batch) -> NDArray[np.float32]:
        """The representations ``(B, D) float32`` of views."""
        training = self.encoder.training
        self.encoder.eval()
        try:
            with self.precision.autocast():
                representation: Tensor = self.encoder(self._laid_out(view))
        finally:
            self.encoder.train(training)
        vectors: NDArray[np.float32] = representation.float().cpu().numpy()
        return vectors


def _require_finite(vectors: NDArray[np.float32], names: Sequence[object]) -> None:
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise DataError(
            f"the encoder gives NaN or infinity for {len(bad)} of {len(names)} samples of a batch, first for "
            f"{names[bad[0]]!r}: look at that sample, or at metrics.jsonl for training that went astray"
        )
