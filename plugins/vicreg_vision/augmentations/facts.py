"""What ``vision/standard`` must know of the images, read from the dataset's facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from vicreg_core.errors import RecipeError
from vicreg_vision.images.decode import MOST_MIB, WHITE, Decoding

_DTYPES = {"uint8": torch.uint8, "uint16": torch.uint16, "float32": torch.float32}
_UNITS = {"uint8": 1.0 / 255.0, "uint16": 1.0 / 65535.0, "float32": 1.0}


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """The image facts of a dataset.

    Attributes:
        channels: number of channels, first dimension of a sample.
        size: height and width all images have, which then come as a batch; ``None``: each has its own.
        dtype: ``"uint8"``, ``"uint16"`` or ``"float32"`` (with values in ``[0, 1]``).
        mean, std: of each channel, in units where white is 1; empty where the dataset has none.
        decoding: how files of new images are decoded.
    """

    channels: int
    size: tuple[int, int] | None
    dtype: str
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    decoding: Decoding = field(default_factory=Decoding)

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> ImageFacts:
        """Read a dataset's facts.

        Raises:
            RecipeError: where the data are not images, or the facts do not describe them.
        """
        if facts.get("kind") != "image":
            raise RecipeError(
                f"augmentation vision/standard takes images, but the dataset gives "
                f"{facts.get('kind', 'data of no stated kind')!r}: choose a dataset vision/... for it"
            )
        if not facts.keys() >= {"channels", "height", "width", "uniform", "dtype"} or (
            facts["dtype"] not in _DTYPES
        ):
            raise RecipeError(
                f"the dataset's facts do not describe its images: expected channels, height, width, uniform "
                f"and dtype (one of {', '.join(_DTYPES)}), got {dict(facts)}"
            )
        size = (facts["height"], facts["width"]) if facts["uniform"] else None
        mean, std = tuple(facts.get("mean") or ()), tuple(facts.get("std") or ())
        decoding = Decoding(facts.get("white", WHITE), facts.get("max_image_mib", MOST_MIB))
        return cls(facts["channels"], size, facts["dtype"], mean, std, decoding)

    @property
    def torch_dtype(self) -> torch.dtype:
        """The dtype of raw images."""
        return _DTYPES[self.dtype]

    @property
    def unit(self) -> float:
        """What a raw value is multiplied by to lie in ``[0, 1]``."""
        return _UNITS[self.dtype]

    def statistics(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each channel; a constant channel is given deviation 1.

        Raises:
            RecipeError: where the dataset has no statistics for its channels.
        """
        if not len(self.mean) == len(self.std) == self.channels:
            raise RecipeError(
                f"augmentation.normalize needs a mean and a deviation for each of {self.channels} channels, "
                f"the dataset has {len(self.mean)} and {len(self.std)}: set augmentation.normalize=false"
            )
        return list(self.mean), [value if value > 0 else 1.0 for value in self.std]
