"""The snapshot of a run's samples, taken with its exported encoder and its data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.contracts import Augmentation, Batch, DatasetAdapter
from vicreg_core.contracts import Shown as Seen
from vicreg_core.contracts.keys import Keys, hash_ids, mix_int, stream_id
from vicreg_core.data.png import coarsened, png_text, reduced
from vicreg_core.data.reading import is_vectorised, prepare_batch
from vicreg_core.data.subset import take
from vicreg_core.report.projection import map_of
from vicreg_core.report.snapshot_file import FORMAT, Shown, Snapshot, Views
from vicreg_core.report.space import clusters_of, neighbours_of, space_of
from vicreg_core.vectors.projection import projections

QUERIES, NEIGHBOURS, VIEWED = 10, 9, 12
_ROOM = 3_600_000
"""Characters that may be spent on thumbnails and texts of the map."""

_THUMBNAIL, _PICTURE = 32, 96
_TEXT, _LONG_TEXT = 160, 600
_BLOCK = 64


def take_snapshot(
    vectors: NDArray[np.float32],
    samples: DatasetAdapter,
    train: DatasetAdapter,
    augmentation: Augmentation,
    *,
    model: str,
    split: str,
    views: int,
    seed: int,
) -> Snapshot:
    """Everything the page shows of samples.

    Args:
        vectors: ``(n, D) float32`` representations of ``samples``.
        samples: the evaluated samples.
        train: the training samples, of which views are shown.
        augmentation: the run's, on the CPU.
        model: digest of the encoder, by which a snapshot that has grown stale is known.
        split: what ``samples`` are, in a word.
        views: views a sample.
        seed: the recipe's; views of the first epoch are then those of training.
    """
    generator = np.random.default_rng(mix_int(seed, stream_id("report")) & (1 << 63) - 1)
    order = generator.permutation(len(samples))
    neighbours = neighbours_of(vectors, order[:QUERIES], NEIGHBOURS)
    featured = [row for each in neighbours for row in (each["item"], *each["near"])]
    return Snapshot(
        format=FORMAT,
        model=model,
        split=split,
        ids=[str(i) for i in samples.ids],
        labels=None if samples.labels is None else samples.labels.tolist(),
        classes=[str(name) for name in samples.classes],
        groups=None if samples.groups is None else [str(group) for group in samples.groups],
        clusters=clusters_of(vectors, len(samples.classes), seed),
        maps=[map_of(projection) for projection in projections(vectors, seed)],
        shown=_shown(samples, augmentation, featured, order),
        neighbours=neighbours,
        views=_views(train, augmentation, generator.permutation(len(train))[:VIEWED], views, seed),
        space=space_of(vectors),
    )


def _shown(
    samples: DatasetAdapter, augmentation: Augmentation, featured: list[int], order: NDArray[np.int64]
) -> dict[str, Shown]:
    """The featured samples large, then others in random order while there is room."""
    first = np.array(sorted(set(featured)), dtype=np.int64)
    found = dict(_encoded(samples, augmentation, first, _PICTURE, _LONG_TEXT))
    room = _ROOM
    for row, shown in _encoded(samples, augmentation, order[~np.isin(order, first)], _THUMBNAIL, _TEXT):
        room -= sum(len(value) for value in shown.values() if isinstance(value, str))
        if room < 0:
            break
        found[row] = shown
    return found


def _encoded(
    samples: DatasetAdapter, augmentation: Augmentation, rows: NDArray[np.int64], side: int, text: int
) -> Iterator[tuple[str, Shown]]:
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        seen = augmentation.show(make_view(samples, augmentation, block, None))
        if seen is None:
            return
        for row, one in zip(block, seen, strict=True):
            yield str(row), _encode(one, side, text)


def _encode(seen: Seen, side: int, text: int) -> Shown:
    if isinstance(seen, str):
        return Shown(text=seen if len(seen) <= text else f"{seen[: text - 1]}…")
    small = reduced(seen, side)
    return Shown(png=png_text(coarsened(small) if side == _THUMBNAIL else small))


def _views(
    train: DatasetAdapter, augmentation: Augmentation, rows: NDArray[np.int64], views: int, seed: int
) -> list[Views]:
    """Each sample as it is evaluated and its views of the first epoch, all shown in one range of values."""
    ids = hash_ids(train.ids)[torch.from_numpy(rows)]
    batches = [make_view(train, augmentation, rows, None)]
    batches += [make_view(train, augmentation, rows, Keys.of(seed, 0, ids, view)) for view in range(views)]
    seen = _show_together(augmentation, batches)
    if seen is None:
        return []
    labels = None if train.labels is None else train.labels[rows]
    return [
        Views(
            id=str(name),
            label=None if labels is None else int(labels[place]),
            shown=[_encode(of[place], _PICTURE, _LONG_TEXT) for of in seen],
        )
        for place, name in enumerate(take(train.ids, rows))
    ]


def _show_together(augmentation: Augmentation, batches: list[Batch]) -> list[list[Any]] | None:
    """What each batch shows, from one call where the batches can be joined."""
    tensors = [batch for batch in batches if isinstance(batch, torch.Tensor)]
    if len(tensors) == len(batches) and len({tensor.shape for tensor in tensors}) == 1:
        joined = augmentation.show(torch.cat(tensors))
        size = len(tensors[0])
        return (
            None if joined is None else [list(joined[i * size : (i + 1) * size]) for i in range(len(batches))]
        )
    seen = [augmentation.show(batch) for batch in batches]
    return None if any(each is None for each in seen) else [list(each or ()) for each in seen]


@torch.no_grad()
def make_view(
    data: DatasetAdapter, augmentation: Augmentation, rows: NDArray[np.int64], keys: Keys | None
) -> Batch:
    """The view of some samples that ``keys`` make, as training and evaluation make it, on the CPU."""
    if is_vectorised(data, augmentation):
        raw = data.__getitems__(rows)
    elif augmentation.per_sample or keys is None:
        raw = prepare_batch(augmentation, (data[int(row)] for row in rows), keys)
    else:
        raw = augmentation.collate(data.__getitems__(rows))
    batch: Batch = augmentation(raw, keys)
    return batch
