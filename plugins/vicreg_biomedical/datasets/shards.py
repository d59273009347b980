"""``biomedical/shards``: crops of cells in tar archives or Parquet files, on disks and object stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_biomedical.datasets.adapter import CellDataset, CellTable, CropArray, CropReader
from vicreg_biomedical.datasets.config import ShardsConfig
from vicreg_biomedical.datasets.pixels import PixelArray, check_crop, project_depth
from vicreg_biomedical.datasets.sources import RGB
from vicreg_biomedical.datasets.statistics import crop_facts
from vicreg_biomedical.datasets.table import encode_labels
from vicreg_biomedical.images.readers import PICTURE_SUFFIXES, TIFF_SUFFIXES, decode_crop
from vicreg_core.contracts import Broken, DataInfo, DatasetAdapter, Placed, Split
from vicreg_core.data.streams.adapter import ShardsAdapter
from vicreg_core.data.streams.sampled import sampled
from vicreg_core.errors import DataError

_SUFFIXES = (*TIFF_SUFFIXES, *PICTURE_SUFFIXES, ".npy")


class CellShards(ShardsAdapter):
    """Crops as the bytes of their files, in order.

    Args:
        config: the recipe keys.
    """

    def __init__(self, config: ShardsConfig) -> None:
        super().__init__(config, skip=config.on_error == "skip")
        self.config = config

    def item(self, row: Placed | Broken) -> Placed | Broken:
        """An encoded crop."""
        return _crop(row, self.config.image)

    def open_sample(self) -> CellDataset:
        """Decoded, with their labels."""
        return _opened(sampled(self.shards, self.config.sample, skip=self.skip), self.config, None)


def build(config: ShardsConfig, split: Split) -> CellDataset | CellShards | None:
    """The stream of training crops, or the crops of the test shards.

    Raises:
        DataError: for shards, columns or crops that cannot be used.
    """
    if split == "test" and not config.test:
        return None
    train = CellShards(config)
    if split == "train":
        return train
    return _opened(sampled(train.test_shards(), None, skip=train.skip), config, train.sample())


def _opened(
    rows: list[tuple[str, Placed]], config: ShardsConfig, train: DatasetAdapter | None
) -> CellDataset:
    """Rows as a dataset, with the facts and classes of ``train`` where it is another."""
    crops, kept, bad = list[PixelArray](), list[tuple[str, Mapping[str, Any]]](), list[str]()
    for identifier, row in rows:
        try:
            crops.append(_decoded(_crop(row, config.image), config, crops[:1]))
        except DataError as error:
            if config.on_error == "raise":
                raise DataError(f"{error}. Leave such crops out with data.on_error=skip") from error
            bad.append(str(error))
        else:
            kept.append((identifier, row.content))
    if not crops:
        raise DataError(f"no crop of the shards can be read, the first being {bad[0]}")
    table = _table(kept, config, tuple(bad), train)
    together = np.stack(crops) if len({crop.shape for crop in crops}) == 1 else None
    info = train.info if train is not None else _info(crops, together, config)
    if together is not None:
        return CropArray(together, table, info, config.floor)
    return CropReader(crops.__getitem__, table, info, config.floor)


def _decoded(row: Placed | Broken, config: ShardsConfig, like: list[PixelArray]) -> PixelArray:
    """The crop of a row, of the channels and dtype of the first.

    Raises:
        DataError: it cannot be read, or is of another kind.
    """
    if isinstance(row, Broken):
        raise DataError(f"{row.place}: {row.reason}")
    pixels = project_depth(decode_crop(row.content, row.place, config.max_image_mib), config.depth)
    check_crop(pixels, row.place)
    for first in like:
        if (pixels.ndim, pixels.shape[0], pixels.dtype) != (first.ndim, first.shape[0], first.dtype):
            kinds = (f"{each.shape} {each.dtype}" for each in (pixels, first))
            raise DataError(f"{row.place}: is {' where the first is '.join(kinds)}")
    return pixels


def _info(crops: list[PixelArray], together: PixelArray | None, config: ShardsConfig) -> DataInfo:
    count = crops[0].shape[0]
    names = config.channel_names or (RGB if count == 3 else tuple(f"channel_{i}" for i in range(count)))
    if len(names) != count:
        raise DataError(f"data.channel_names: {len(names)} names for crops of {count} channels")
    sizes = np.array([crop.shape[1:] for crop in crops])
    canvas = tuple(int(side) for side in np.median(sizes, axis=0))
    facts = crop_facts(
        together if together is not None else crops, names, bit_depth=config.bit_depth, canvas=canvas
    )
    return DataInfo({**facts, "planes": config.depth})


def _table(
    rows: list[tuple[str, Mapping[str, Any]]],
    config: ShardsConfig,
    skipped: tuple[str, ...],
    train: DatasetAdapter | None,
) -> CellTable:
    cells = [{name: _plain(value) for name, value in content.items()} for _, content in rows]
    for key, column in (("label", config.label), ("group", config.group)):
        if column is not None and not any(column in row for row in cells):
            raise DataError(f"data.{key}: no column {column!r}; there are {', '.join(cells[0])}")
    values = [row.get(config.label) for row in cells] if config.label else None
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    if values is not None:
        known = None if train is None else list(train.classes)
        given = values if known is None else [None if v is None else _index(str(v), known) for v in values]
        labels, classes = encode_labels(given, known, str(config.label))
    groups = np.asarray([str(row.get(config.group)) for row in cells]) if config.group else None
    return CellTable([identifier for identifier, _ in rows], labels, classes, groups, skipped=skipped)


def _index(name: str, classes: list[str]) -> int:
    if name not in classes:
        raise DataError(
            f"data.test: the label {name!r} is none of the training sample's: {', '.join(classes)}"
        )
    return classes.index(name)


def _plain(value: Any) -> Any:
    """Text of a small file in an archive; anything else as it is."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip() if len(value) < 256 else None
    return value


def _crop(row: Placed | Broken, column: str | None) -> Placed | Broken:
    """The encoded crop of a row: its column, or the file in an archive whose suffix says that it is one."""
    if isinstance(row, Broken):
        return row
    files = [name for name in row.content if f".{name.rpartition('.')[2]}" in _SUFFIXES]
    for name in [column] if column else ["image", "content", *files]:
        value = row.content.get(name)
        if isinstance(value, dict):
            value = value.get("bytes")
        if isinstance(value, bytes):
            return Placed(row.place, value)
    held = ", ".join(row.content) or "nothing"
    return Broken(row.place, f"no encoded crop among {held} (data.image names its column)")
