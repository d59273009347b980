"""The two adapters of images: all decoded in memory, or decoded one by one when asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vicreg_core.contracts import DataInfo, DatasetAdapter, Floor
from vicreg_core.data.resize import resize_planes
from vicreg_core.errors import DataError
from vicreg_vision.descriptors import LEAST_SIDE, gradients_and_colours
from vicreg_vision.images.decode import Decoding, decode_image, to_channels
from vicreg_vision.images.layout import evenly_spaced
from vicreg_vision.images.parallel import each
from vicreg_vision.images.reduce import decode_reduced
from vicreg_vision.images.sources import ImageSource, read

RAW_SIDE = 32
"""Largest side of the images that raw features are made of, in pixels."""

_BLOCK = 1024
"""Images turned into raw features at once."""

_PIXELS = 1 << 18
"""Pixels of an image from which its statistics are thinned out."""


@dataclass(frozen=True, slots=True)
class Annotations:
    """What is known of each image beside its pixels; fields as in :class:`DatasetAdapter`."""

    ids: Sequence[str] | NDArray[np.int64]
    labels: NDArray[np.int64] | None = None
    classes: Sequence[str] = ()
    groups: NDArray[Any] | None = None
    metadata: dict[str, Sequence[Any]] = field(default_factory=dict)

    def at(self, rows: NDArray[np.int64]) -> Annotations:
        """The annotations of some rows."""
        ids = self.ids[rows] if isinstance(self.ids, np.ndarray) else [self.ids[i] for i in rows]
        return replace(
            self,
            ids=ids,
            labels=None if self.labels is None else self.labels[rows],
            groups=None if self.groups is None else self.groups[rows],
            metadata={name: [column[i] for i in rows] for name, column in self.metadata.items()},
        )


class ImageAdapter(DatasetAdapter):
    """Images with their annotations; a subclass says where the pixels come from.

    Args:
        annotations: ids, labels and the like, a row an image.
        channels: of each image.
        size: ``(height, width)`` all images are known to have, or ``None``.
        raw_size: ``(height, width)`` of the images that raw features are made of.
        skipped: what ``on_error: skip`` left out.
    """

    statistics_sample: int
    how: Decoding

    def __init__(
        self,
        annotations: Annotations,
        channels: int,
        size: tuple[int, int] | None,
        raw_size: tuple[int, int],
        skipped: Sequence[str] = (),
    ) -> None:
        self.ids, self.labels, self.classes = annotations.ids, annotations.labels, annotations.classes
        self.groups, self.metadata = annotations.groups, annotations.metadata
        self.channels, self.size, self.raw_size, self.skipped = channels, size, raw_size, skipped

    # Lazy, since the statistics of a test split are never asked for and may cost hundreds of decodings.
    # The contract's attribute is written by nobody but its class, so a cached property serves it.
    @cached_property
    def info(self) -> DataInfo:  # type: ignore[override]
        """The facts of image data, with mean and deviation a channel where white is 1."""
        height, width = self.size or (None, None)
        mean, std = self._statistics(evenly_spaced(len(self), self.statistics_sample))
        return DataInfo(
            {
                "kind": "image",
                "channels": self.channels,
                "height": height,
                "width": width,
                "uniform": self.size is not None,
                "dtype": "uint8",
                "mean": mean,
                "std": std,
                **self._decoding(),
            }
        )

    def raw_features(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """``(n, F) float32`` pixels in ``[0, 1]``, images resized to :attr:`raw_size`."""
        features = list(each(lambda i: _raw_pixels(self[i].unsqueeze(0), self.raw_size), indices))
        width = self.channels * self.raw_size[0] * self.raw_size[1]
        return np.concatenate(features) if features else np.empty((0, width), np.float32)

    def floors(self) -> Mapping[str, Floor]:
        """The pixels, and histograms of their gradients and colours where there are pixels enough."""
        if min(self.raw_size) < LEAST_SIDE:
            return super().floors()
        return {**super().floors(), "gradients and colours": Floor(self._described)}

    def _described(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        blocks = [indices[start : start + _BLOCK] for start in range(0, len(indices), _BLOCK)]
        return np.concatenate([self._describe(block) for block in blocks or [indices]])

    def _describe(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        pixels = torch.from_numpy(self.raw_features(indices)).view(-1, self.channels, *self.raw_size)
        described: NDArray[np.float32] = gradients_and_colours(pixels).numpy()
        return described

    def _decoding(self) -> dict[str, int]:
        """How new images are to be decoded, where that is not as usual."""
        usual = Decoding()
        told = {"white": self.how.white, "max_image_mib": self.how.most_mib}
        return {k: v for (k, v), u in zip(told.items(), (usual.white, usual.most_mib), strict=True) if v != u}

    def _statistics(self, rows: NDArray[np.int64]) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each channel over these images, every image counting the same."""
        mean, square = torch.stack(list(each(lambda i: _moments(self[i]), rows))).mean(dim=0)
        std = (square - mean**2).clamp_min(0).sqrt()
        return [round(v, 6) for v in mean.tolist()], [round(v, 6) for v in std.tolist()]


class MemoryImages(ImageAdapter):
    """Images of one size, decoded: ``images`` is ``(n, C, H, W) uint8``."""

    in_memory = True
    statistics_sample = 5_000

    def __init__(
        self,
        images: Tensor,
        annotations: Annotations,
        *,
        raw_size: tuple[int, int] | None = None,
        skipped: Sequence[str] = (),
        how: Decoding | None = None,
    ) -> None:
        self.how = how or Decoding()
        size = (images.shape[2], images.shape[3])
        super().__init__(annotations, images.shape[1], size, raw_size or reduced(size), skipped)
        self.images = images

    def __getitem__(self, index: int) -> Tensor:
        """One image, ``(C, H, W) uint8``."""
        return self.images[index]

    def __getitems__(self, indices: Sequence[int] | NDArray[np.int64]) -> Tensor:
        """A batch, ``(B, C, H, W) uint8``."""
        return self.images.index_select(0, torch.as_tensor(indices, dtype=torch.int64))

    def raw_features(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """``(n, F) float32`` pixels in ``[0, 1]``, images reduced to at most 32 pixels a side."""
        blocks = [indices[start : start + _BLOCK] for start in range(0, len(indices), _BLOCK)]
        features = [_raw_pixels(self.__getitems__(block), self.raw_size) for block in blocks]
        return np.concatenate(features) if features else _raw_pixels(self.images[:0], self.raw_size)


class LazyImages(ImageAdapter):
    """Images decoded when asked for; row ``i`` is image ``rows[i]`` of the source."""

    statistics_sample = 512

    def __init__(
        self,
        source: ImageSource,
        rows: NDArray[np.int64],
        annotations: Annotations,
        *,
        channels: int,
        size: tuple[int, int] | None,
        raw_size: tuple[int, int],
        convert_colour: bool,
        skipped: Sequence[str] = (),
        how: Decoding | None = None,
    ) -> None:
        self.how = how or Decoding()
        super().__init__(annotations, channels, size, raw_size, skipped)
        self.source, self.rows, self.convert_colour = source, rows, convert_colour

    def __getitem__(self, index: int) -> Tensor:
        """One image, ``(C, H, W) uint8``."""
        row = int(self.rows[index])
        return decode_at(self.source, row, self.channels, self.convert_colour, self.how)


def decode_at(
    source: ImageSource,
    index: int,
    channels: int,
    convert_colour: bool,
    how: Decoding | None = None,
    side: int | None = None,
) -> Tensor:
    """One image of a source, ``(channels, H, W) uint8``; its shorter side reduced to ``side``, if given.

    Raises:
        UnreadableImageError: where it cannot be decoded.
        DataError: for a colour image where one channel is expected and ``convert_colour`` is false.
    """
    data, name = read(source, index), source.name(index)
    image = decode_image(data, name, how) if side is None else decode_reduced(data, name, side, how)
    if image.shape[0] > channels and not convert_colour:
        raise DataError(
            f"image {source.name(index)} is in colour, but the training images looked at are grayscale: "
            f"set data.channels=3 to keep colour, or data.channels=1 to turn all images gray"
        )
    return to_channels(image, channels)


def reduced(size: tuple[int, int] | None) -> tuple[int, int]:
    """The size raw features are made at, for images of ``size`` (``None``: of unlike sizes)."""
    return (RAW_SIDE, RAW_SIDE) if size is None else (min(size[0], RAW_SIDE), min(size[1], RAW_SIDE))


def _raw_pixels(images: Tensor, size: tuple[int, int]) -> NDArray[np.float32]:
    """``(B, C, H, W) uint8`` as ``(B, C * h * w) float32`` in ``[0, 1]``, resized with antialiasing."""
    pixels = images.to(torch.float32) / 255.0
    if pixels.shape[2:] != size:
        pixels = resize_planes(pixels, size)
    features: NDArray[np.float32] = pixels.flatten(1).numpy()
    return features


def _moments(image: Tensor) -> Tensor:
    """``(2, C) float64``: mean and mean square of each channel of ``(C, H, W) uint8``, white being 1.

    Of a large image every k-th row and column is looked at.
    """
    step = 1 + math.isqrt(image[0].numel() // _PIXELS)
    pixels = image[:, ::step, ::step].flatten(1).to(torch.float64) / 255.0
    return torch.stack([pixels.mean(dim=1), pixels.square().mean(dim=1)])
