"""The adapters of cell crops: an array of crops, or crops read one by one.

Where a shape is given as ``(C, H, W)``, a volume is ``(C, D, H, W)``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vicreg_biomedical.datasets.pixels import PixelArray, canvas_of, fit_canvas
from vicreg_biomedical.datasets.statistics import intensity_features, pixel_features
from vicreg_biomedical.descriptors import describe
from vicreg_core.contracts import DataInfo, DatasetAdapter, Floor
from vicreg_core.errors import DataError

_BLOCK = 512
"""Crops described at once."""


@dataclass(frozen=True)
class CellTable:
    """What is known of each cell beside its pixels; every column of length ``n``."""

    ids: Sequence[str] | NDArray[np.int64]
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    groups: NDArray[Any] | None = None
    metadata: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()


class CellDataset(DatasetAdapter):
    """Common ground: the table, the facts and the floor features."""

    def __init__(self, table: CellTable, info: DataInfo, floor: str) -> None:
        self.ids, self.labels, self.classes = table.ids, table.labels, table.classes
        self.groups, self.metadata, self.skipped = table.groups, table.metadata, table.skipped
        self.info, self.floor = info, floor

    def for_model(self, info: DataInfo) -> DatasetAdapter:
        """These cells, if their channels are those the model was trained on, by name and in order.

        Raises:
            DataError: where as many channels have other names or another order, or volumes meet a model of
                flat images, or the other way round.
        """
        kinds = [len(canvas_of(i.facts)) for i in (self.info, info)]
        if kinds[0] != kinds[1]:
            words = {2: "flat images", 3: "volumes with planes in depth"}
            raise DataError(
                f"the data are {words[kinds[0]]}, but the model was trained on {words[kinds[1]]}; project "
                f"volumes with data.depth=max where the model was trained on projections"
            )
        ours, model = (list(i.facts.get("channel_names", [])) for i in (self.info, info))
        if len(ours) == len(model) and ours != model:
            raise DataError(
                f"the channels are {', '.join(ours)}, but the model was trained on {', '.join(model)}; "
                f"reorder them with data.channels, or name them alike with data.channel_names"
            )
        return super().for_model(info)

    def _raw(self, indices: NDArray[np.int64]) -> PixelArray:
        """``(len(indices), C, H, W)`` on the common canvas."""
        raise NotImplementedError

    def raw_features(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Small raw pixels or per-channel intensity statistics, as the recipe's ``data.floor`` asks."""
        crops = self._raw(np.asarray(indices))
        return intensity_features(crops) if self.floor == "intensity" else pixel_features(crops)

    def floors(self) -> Mapping[str, Floor]:
        """What the recipe asks for, and measurements of intensity, texture and shape."""
        return {**super().floors(), "intensity, texture and shape": Floor(self._described)}

    def _described(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        blocks = [indices[start : start + _BLOCK] for start in range(0, len(indices), _BLOCK)]
        return np.concatenate([describe(self._raw(block)) for block in blocks or [indices]])


class CropArray(CellDataset):
    """Crops of one shape in memory or memory-mapped: a batch is one indexed read.

    Args:
        crops: ``(n, C, H, W)`` uint8, uint16 or float32.
        table: the columns.
        info: the facts.
        floor: ``"pixels"`` or ``"intensity"``.
        partners: ``(n, P) int64`` rows of the cells that each may be paired with, read beside it.
    """

    in_memory = True

    def __init__(
        self,
        crops: PixelArray,
        table: CellTable,
        info: DataInfo,
        floor: str = "pixels",
        partners: NDArray[np.int64] | None = None,
    ) -> None:
        super().__init__(table, info, floor)
        self.crops, self.partners = crops, partners

    def __getitem__(self, index: int) -> Tensor:
        """``(C, H, W)`` of the data's own dtype, or ``(1 + P, C, H, W)`` with partners."""
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int] | NDArray[np.int64]) -> Tensor:
        """``(B, C, H, W)`` of the data's own dtype; with partners ``(B, 1 + P, C, H, W)``, the cell first."""
        rows = np.asarray(indices)
        if self.partners is not None:
            rows = np.concatenate([rows[:, None], self.partners[rows]], axis=1)
        return torch.from_numpy(np.ascontiguousarray(self.crops[rows]))

    def for_model(self, info: DataInfo) -> DatasetAdapter:
        """These cells without their partners, which are for training only.

        Raises:
            DataError: as that of :class:`CellDataset`.
        """
        alone = self
        if self.partners is not None:
            alone = copy.copy(self)
            alone.partners = None
        return CellDataset.for_model(alone, info)

    def _raw(self, indices: NDArray[np.int64]) -> PixelArray:
        return np.asarray(self.crops[indices])


class CropReader(CellDataset):
    """Crops of unlike size, or too many to hold: each is read when it is needed, in loader workers.

    Args:
        read: index to ``(C, H, W)``; must survive pickling to workers.
        table: the columns.
        info: the facts.
        floor: ``"pixels"`` or ``"intensity"``.
    """

    def __init__(
        self, read: Callable[[int], PixelArray], table: CellTable, info: DataInfo, floor: str = "pixels"
    ) -> None:
        super().__init__(table, info, floor)
        self.read = read

    def __getitem__(self, index: int) -> Tensor:
        """``(C, H, W)`` of the data's own dtype and this cell's own size."""
        return torch.from_numpy(np.ascontiguousarray(self.read(int(index))))

    def _raw(self, indices: NDArray[np.int64]) -> PixelArray:
        canvas = canvas_of(self.info.facts)
        return np.stack([fit_canvas(self.read(int(i)), canvas) for i in indices])
