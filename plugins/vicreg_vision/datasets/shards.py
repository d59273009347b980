"""``vision/shards``: images in tar archives (WebDataset) or Parquet files, on disks and object stores."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from vicreg_core.contracts import Broken, DataInfo, Placed, Split
from vicreg_core.data.streams.adapter import ShardsAdapter
from vicreg_core.data.streams.sampled import sampled
from vicreg_vision.datasets.adapters import ImageAdapter
from vicreg_vision.datasets.columns import Columns
from vicreg_vision.datasets.config import ShardsConfig
from vicreg_vision.datasets.files import IMAGE_SUFFIXES
from vicreg_vision.datasets.image_table import ImageTable, open_table

_IMAGE, _ID = "image", "shard_row"
_LABELS = ("cls", "label", "label.txt", "cls.txt")
"""What a class is called beside an image in a tar archive."""


class ImageShards(ShardsAdapter):
    """Images as encoded bytes, in order.

    Args:
        config: the recipe keys.
    """

    def __init__(self, config: ShardsConfig) -> None:
        super().__init__(config, skip=config.on_error == "skip")
        self.config = config

    @cached_property
    def info(self) -> DataInfo:  # type: ignore[override]
        """That of the sample; images elsewhere may have other sizes."""
        found = super().info
        return DataInfo({**found.facts, "height": None, "width": None, "uniform": False}, found.assets)

    def item(self, row: Placed | Broken) -> Placed | Broken:
        """An encoded image."""
        return _image(row, self._columns.image if self._columns else None)

    def open_sample(self) -> ImageAdapter:
        """With their labels and statistics."""
        return open_table(self.table, self.table, _keys(self.config, self.table))

    @cached_property
    def table(self) -> ImageTable:
        """The sample, encoded."""
        rows = sampled(self.shards, self.config.sample, skip=self.skip)
        return _table_of(rows, self.shards.key)

    @cached_property
    def _columns(self) -> Columns | None:
        """Of Parquet shards; an archive's files are told apart by their suffixes."""
        first = self.shards.rows(int(self.shards.counts.argmax()), 0, 1)[0]
        if isinstance(first, Broken) or _suffix_of_image(first.content) is not None:
            return None
        return self.table.columns(_keys(self.config, self.table))


def build(config: ShardsConfig, split: Split) -> ImageAdapter | ImageShards | None:
    """The stream of training images, or the images of the test shards.

    Raises:
        DataError: for shards, columns or images that cannot be used.
    """
    if split == "test" and not config.test:
        return None
    train = ImageShards(config)
    if split == "train":
        return train
    test = train.test_shards()
    table = _table_of(sampled(test, None, skip=train.skip), test.key)
    return open_table(table, train.table, _keys(config, train.table))


def _keys(config: ShardsConfig, table: ImageTable) -> ShardsConfig:
    """The keys of a sample as a table: ids are those of the stream, images are bytes in it, never paths."""
    from pyarrow import types

    keys: dict[str, Any] = {"id_column": _ID}
    if config.image_column == "auto":
        held = [each.name for each in table.table.schema if types.is_binary(each.type)]
        if len(held) == 1:
            keys["image_column"] = held[0]
    return config.model_copy(update=keys)


def _table_of(rows: list[tuple[str, Placed]], key: str) -> ImageTable:
    import pyarrow as pa

    cells = [_flat(each.content) for _, each in rows]
    names = list(dict.fromkeys(name for row in cells for name in row))
    table = pa.table({name: [row.get(name) for row in cells] for name in names} | {_ID: [i for i, _ in rows]})
    places = [each.place for _, each in rows]
    return ImageTable(table, key, places.__getitem__, Path.cwd())


def _flat(cells: Mapping[str, Any]) -> Mapping[str, Any]:
    """The image of a sample in an archive, its class and what else is short text; a table's row as it is."""
    suffix = _suffix_of_image(cells)
    if suffix is None:
        return cells
    label = next((cells[name] for name in _LABELS if name in cells), None)
    found: dict[str, Any] = {_IMAGE: cells[suffix]}
    return found if label is None else found | {"label": label.decode("utf-8", "replace").strip()}


def _suffix_of_image(cells: Mapping[str, Any]) -> str | None:
    return next((s for s in cells if f".{s.rpartition('.')[2]}" in IMAGE_SUFFIXES), None)


def _image(row: Placed | Broken, column: str | None) -> Placed | Broken:
    """The row's encoded image."""
    if isinstance(row, Broken):
        return row
    key = column or _suffix_of_image(row.content)
    value = row.content.get(key) if key else None
    if isinstance(value, dict):
        value = value.get("bytes")
    if not isinstance(value, bytes):
        held = ", ".join(row.content) or "nothing"
        return Broken(row.place, f"no encoded image among {held}")
    return Placed(row.place, value)
