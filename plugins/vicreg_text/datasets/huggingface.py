"""Datasets of the Hugging Face hub and those saved to a local folder."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from vicreg_core.contracts import Split
from vicreg_core.data.tables import Row
from vicreg_core.errors import DataError
from vicreg_text.cache import key_of
from vicreg_text.datasets.adapter import TextDataset
from vicreg_text.datasets.config import HuggingFaceConfig
from vicreg_text.datasets.source import Columns, Source
from vicreg_text.datasets.splits import open_split
from vicreg_text.hub import opened

_BLOCK = 1024


def build(config: HuggingFaceConfig, split: Split) -> TextDataset | None:
    """The rows of one split.

    Raises:
        DataError: where the dataset or split cannot be opened, or a row is at fault.
    """
    test = partial(_source, config, config.test) if config.test is not None else None
    return open_split(config, split, _source(config, config.train), test)


def _source(config: HuggingFaceConfig, split: str) -> Source:
    data = _load(config, split)
    columns = Columns.of(config)
    name = f"{config.path} [{split}]"
    return Source(name, key_of("huggingface", data._fingerprint), lambda: _rows(data, columns, name), columns)


def _load(config: HuggingFaceConfig, split: str) -> Any:
    from datasets import DatasetDict, load_dataset, load_from_disk

    folder = Path(config.path).expanduser()

    def open_() -> Any:
        if any((folder / mark).is_file() for mark in ("dataset_dict.json", "state.json")):
            return load_from_disk(str(folder))
        # Of datasets 4 and later, which run no code of a dataset.
        return load_dataset(config.path, config.config, split=split, revision=config.revision)

    loaded = opened(f"data.path: {config.path!r} [{split}]", open_)
    if not isinstance(loaded, DatasetDict):
        return loaded
    if split not in loaded:
        raise DataError(f"data.path: {config.path!r} has no split {split!r}; it has {', '.join(loaded)}")
    return loaded[split]


def _rows(data: Any, columns: Columns, name: str) -> Iterator[Row]:
    named = {c: f.names for c, f in data.features.items() if c in columns.read and hasattr(f, "names")}
    present = data.select_columns([c for c in columns.read if c in data.column_names])
    number = 0
    for block in present.with_format("arrow").iter(_BLOCK):
        for values in block.to_pylist():
            for column, classes in named.items():
                if isinstance(index := values[column], int) and 0 <= index < len(classes):
                    values[column] = classes[index]
            yield Row(f"row {number} of {name}", values)
            number += 1
