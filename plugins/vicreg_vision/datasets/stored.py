"""``data.cache=FOLDER``: every image decoded and reduced once, then read from memory-mapped files.

Images lie in shards of 256, in the order of the dataset. A shard is named by what its images are (path, size
and time of change of their files, or a hash of their bytes), so it is made once whatever stops the making,
used by every recipe that reduces alike, and made anew where an image of it changes.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vicreg_core.errors import DataError
from vicreg_core.files import atomic_path
from vicreg_core.runs.reading import DamagedFile, read_sealed, write_sealed
from vicreg_vision.datasets.adapters import Annotations, ImageAdapter, decode_at, reduced
from vicreg_vision.datasets.config import CACHES, ImageConfig
from vicreg_vision.images.decode import Decoding, UnreadableImageError
from vicreg_vision.images.layout import Layout
from vicreg_vision.images.parallel import each
from vicreg_vision.images.sources import ImageSource

SHARD = 256
"""Images a shard."""
_FORMAT = 1
_SAY_EVERY = 5.0
"""Seconds between lines of progress."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Some decoded images, one behind the other.

    Attributes:
        path: of their bytes.
        shapes: ``(height, width)`` of each; ``(0, 0)`` of one that cannot be read.
        unreadable: why, by place in the shard.
    """

    path: Path
    shapes: Sequence[tuple[int, int]]
    unreadable: dict[int, str]


class StoredImages(ImageAdapter):
    """Images in shards; row ``i`` is at ``places[i]``, its shard and its place there.

    Args:
        shards: of the whole source.
        places: ``(n, 2) int64``.
        annotations: of those images.
        channels: of each.
        size: ``(height, width)`` they share, or ``None``.
        raw_size: of the images that raw features are made of.
        skipped: what ``on_error: skip`` left out.
        how: images of the model are decoded.
    """

    statistics_sample = 512

    def __init__(
        self,
        shards: Sequence[Shard],
        places: NDArray[np.int64],
        annotations: Annotations,
        channels: int,
        size: tuple[int, int] | None,
        raw_size: tuple[int, int],
        skipped: Sequence[str],
        how: Decoding,
    ) -> None:
        self.how = how
        super().__init__(annotations, channels, size, raw_size, skipped)
        self.in_memory = size is not None
        self.shards, self.places = shards, places
        self.starts = [_starts(shard, channels) for shard in shards]
        self._open: dict[int, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Without the open files: a loader worker maps its own."""
        return {**self.__dict__, "_open": {}}

    def __getitem__(self, index: int) -> Tensor:
        """One image, ``(C, H, W) uint8``."""
        shard, place = self.places[index].tolist()
        if shard not in self._open:
            # Copy-on-write, so that torch takes it for writable; nothing is ever written.
            self._open[shard] = np.memmap(self.shards[shard].path, dtype=np.uint8, mode="c")
        height, width = self.shards[shard].shapes[place]
        start = self.starts[shard][place]
        pixels = self._open[shard][start : start + self.channels * height * width]
        return torch.from_numpy(np.asarray(pixels)).view(self.channels, height, width)

    def __getitems__(self, indices: Sequence[int] | NDArray[np.int64]) -> Any:
        """A batch ``(B, C, H, W) uint8`` where images share a size, else a list of them."""
        images = [self[int(index)] for index in indices]
        return torch.stack(images) if self.in_memory else images


def open_stored(
    source: ImageSource, annotations: Annotations, config: ImageConfig, train: Layout, how: Decoding
) -> StoredImages:
    """The adapter of a split, its cache made where it is not there yet.

    Raises:
        DataError: an image cannot be decoded, unless ``on_error`` is ``skip``; none can; the cache is a file.
        RunError: when the disk refuses.
    """
    root = Path(config.cache).expanduser()
    if root.exists() and not root.is_dir():
        raise DataError(
            f"data.cache: {config.cache} is a file, expected a folder to keep decoded images in, or one of "
            f"{', '.join(CACHES)}"
        )
    folder = root / _key(train.channels, config, how)
    shards = list(_shards(source, folder, config, train.channels, how))
    names = [(number, place) for number, shard in enumerate(shards) for place in range(len(shard.shapes))]
    kept = [(n, p) for n, p in names if p not in shards[n].unreadable]
    skipped = [
        f"{source.name(SHARD * number + place)}: {reason}"
        for number, shard in enumerate(shards)
        for place, reason in shard.unreadable.items()
    ]
    if not kept:
        raise DataError(f"none of the {len(source)} images can be read, the first being {skipped[0]}")
    places = np.array(kept, dtype=np.int64)
    rows = places @ np.array([SHARD, 1])
    sizes = {shards[number].shapes[place] for number, place in kept}
    size = sizes.pop() if len(sizes) == 1 else None
    raw_size = reduced(train.size and _reduced_size(train.size, config.cache_side))
    told = annotations.at(rows) if skipped else annotations
    return StoredImages(shards, places, told, train.channels, size, raw_size, skipped, how)


def _key(channels: int, config: ImageConfig, how: Decoding) -> str:
    """The folder of images reduced in one way."""
    convert = "gray" if config.channels == 1 else "as-is"
    return f"v{_FORMAT}-{config.cache_side}px-{channels}ch-{convert}-white{how.white}-{how.most_mib}mib"


def _shards(
    source: ImageSource, folder: Path, config: ImageConfig, channels: int, how: Decoding
) -> Iterator[Shard]:
    """Every shard in order, made where it is missing or damaged."""
    convert, skip = config.channels == 1, config.on_error == "skip"

    def decode(index: int) -> Tensor | UnreadableImageError:
        try:
            return decode_at(source, index, channels, convert, how, config.cache_side)
        except UnreadableImageError as error:
            if not skip:
                raise
            return error

    said = started = time.monotonic()
    made = 0
    for start in range(0, len(source), SHARD):
        rows = range(start, min(start + SHARD, len(source)))
        path = folder / f"{_digest(source, rows)}.bin"
        shard = _known(path, len(rows), channels)
        # One that was made with on_error=skip holds images that cannot be read, which is now to be said.
        if shard is None or (shard.unreadable and not skip):
            shard = _made(path, rows, decode)
            made += len(rows)
            if time.monotonic() - said > _SAY_EVERY:
                said = time.monotonic()
                left = (said - started) / made * (len(source) - rows.stop)
                _say(f"decoded {rows.stop:,} of {len(source):,} images into {folder}, {left:.0f} s left")
        yield shard


def _digest(source: ImageSource, rows: range) -> str:
    seen = hashlib.blake2b(digest_size=16)
    for row in rows:
        seen.update(source.signature(row))
    return seen.hexdigest()


def _known(path: Path, images: int, channels: int) -> Shard | None:
    """A shard that was made before and is whole."""
    try:
        index = read_sealed(path.with_suffix(".json"))
    except DamagedFile:
        return None
    if index is None or not path.is_file() or len(index["shapes"]) != images:
        return None
    shapes = [(int(height), int(width)) for height, width in index["shapes"]]
    shard = Shard(path, shapes, {int(place): reason for place, reason in index["unreadable"].items()})
    return shard if path.stat().st_size == _starts(shard, channels)[-1] else None


def _made(path: Path, rows: range, decode: Callable[[int], Tensor | UnreadableImageError]) -> Shard:
    shapes: list[tuple[int, int]] = []
    unreadable: dict[int, str] = {}
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        for place, image in enumerate(each(decode, np.arange(rows.start, rows.stop))):
            if isinstance(image, UnreadableImageError):
                unreadable[place] = image.reason
                shapes.append((0, 0))
            else:
                shapes.append((image.shape[1], image.shape[2]))
                stream.write(image.contiguous().numpy().tobytes())
    # The index comes last: without it the shard is not there.
    write_sealed(path.with_suffix(".json"), {"shapes": shapes, "unreadable": unreadable}, indent=None)
    return Shard(path, shapes, unreadable)


def _starts(shard: Shard, channels: int) -> NDArray[np.int64]:
    """``(images + 1,)`` where each begins, and where the last ends."""
    pixels = np.array([height * width for height, width in shard.shapes], dtype=np.int64)
    return np.concatenate([[0], np.cumsum(channels * pixels)])


def _reduced_size(size: tuple[int, int], side: int) -> tuple[int, int]:
    scale = min(1.0, side / min(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
