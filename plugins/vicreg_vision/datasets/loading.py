"""From encoded images to an adapter: decode all into memory, or leave them where they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vicreg_core.data.workers import cores
from vicreg_core.errors import DataError
from vicreg_vision.datasets.adapters import (
    Annotations,
    ImageAdapter,
    LazyImages,
    MemoryImages,
    decode_at,
    reduced,
)
from vicreg_vision.datasets.config import CACHES, ImageConfig
from vicreg_vision.datasets.stored import open_stored
from vicreg_vision.images.decode import Decoding, UnreadableImageError
from vicreg_vision.images.layout import Layout, evenly_spaced
from vicreg_vision.images.parallel import each
from vicreg_vision.images.sources import ImageSource, read

MEMORY_BUDGET = 2 << 30
"""Most bytes of decoded images that ``cache: auto`` holds in memory."""

_SMALL_FILE = 2048
"""Bytes; below, decoding takes so little time that threads only wait for the interpreter lock."""


@dataclass(frozen=True, slots=True)
class _Decoded:
    """What one pass over all images found; ``images`` is ``None`` where they were not kept."""

    rows: NDArray[np.int64]
    skipped: list[str]
    size: tuple[int, int] | None
    images: Tensor | None


def open_images(
    source: ImageSource, annotations: Annotations, config: ImageConfig, layout: Layout, train: Layout
) -> ImageAdapter:
    """The adapter of a split.

    Args:
        source: its images.
        annotations: its ids, labels and the like.
        config: how to read them.
        layout: of this split.
        train: of the training split, whose channels and raw size every split takes.

    Raises:
        DataError: for an image that cannot be decoded, unless ``on_error`` is ``skip``; where no image can
            be; for images of unlike size where ``cache`` is ``memory``.
    """
    convert = config.channels == 1
    how = Decoding(train.white, config.max_image_mib)
    if config.cache not in CACHES:
        return open_stored(source, annotations, config, train, how)
    decode = partial(decode_at, source, channels=train.channels, convert_colour=convert, how=how)
    skip = config.on_error == "skip"
    keep = _buffer(len(source), train.channels, layout.size, config)
    found = None if keep is None and not skip else _decode_all(source, decode, keep, skip)
    if found is None:
        decode(0)  # so that data of a wrong kind fail here, and not in the first step
        found = _Decoded(np.arange(len(source)), [], None, None)
    elif not len(found.rows):
        raise DataError(f"none of the {len(source)} images can be read, the first being {found.skipped[0]}")
    raw_size = reduced(train.size)
    kept = annotations.at(found.rows) if found.skipped else annotations
    if found.images is not None:
        return MemoryImages(found.images, kept, raw_size=raw_size, skipped=found.skipped, how=how)
    if config.cache == "memory":
        raise DataError(
            "data.cache=memory holds all images as one array, but they are not of one size: set "
            "data.cache=auto, which reads them one by one, or resize them"
        )
    return LazyImages(
        source,
        found.rows,
        kept,
        channels=train.channels,
        size=found.size,
        raw_size=raw_size,
        convert_colour=convert,
        skipped=found.skipped,
        how=how,
    )


def _buffer(n: int, channels: int, size: tuple[int, int] | None, config: ImageConfig) -> Tensor | None:
    """Room for all images, where they seem to be of one size and are to be kept in memory."""
    if size is None or config.cache == "none":
        return None
    if config.cache == "auto" and n * channels * size[0] * size[1] > MEMORY_BUDGET:
        return None
    return torch.empty((n, channels, *size), dtype=torch.uint8)


def _decode_all(
    source: ImageSource, decode: Callable[[int], Tensor], buffer: Tensor | None, skip: bool
) -> _Decoded | None:
    """Decode every image once, into ``buffer`` where there is one.

    ``None`` where the images do not fit the buffer and nothing else is asked of the pass.
    """

    def attempt(index: int) -> tuple[int, int] | UnreadableImageError:
        try:
            image = decode(index)
        except UnreadableImageError as error:
            if not skip:
                raise
            return error
        if buffer is not None and image.shape == buffer.shape[1:]:
            buffer[index] = image
        return image.shape[1], image.shape[2]

    rows, skipped, sizes = [], [], set()
    expected = None if buffer is None else (buffer.shape[2], buffer.shape[3])
    for index, outcome in enumerate(each(attempt, range(len(source)), _threads(source))):
        if isinstance(outcome, UnreadableImageError):
            skipped.append(f"{outcome.name}: {outcome.reason}")
            continue
        rows.append(index)
        sizes.add(outcome)
        if not skip and outcome != expected:
            return None
    kept = np.asarray(rows, dtype=np.int64)
    size = sizes.pop() if len(sizes) == 1 else None
    if buffer is None or size != expected:
        return _Decoded(kept, skipped, size, None)
    return _Decoded(kept, skipped, size, buffer[torch.from_numpy(kept)] if skipped else buffer)


def _threads(source: ImageSource) -> int:
    """Threads worth having, by the mean size of a few images."""
    sizes = []
    for index in evenly_spaced(len(source), 16):
        try:
            sizes.append(len(read(source, int(index))))
        except UnreadableImageError:
            continue
    return 1 if sizes and sum(sizes) < _SMALL_FILE * len(sizes) else cores()
