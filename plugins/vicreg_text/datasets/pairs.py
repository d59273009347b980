"""Sentence pairs with a similarity score: each sentence a document, each pair a group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from vicreg_core.contracts import Split
from vicreg_core.data.tables import Row
from vicreg_text.cache import key_of
from vicreg_text.datasets.adapter import TextDataset
from vicreg_text.datasets.config import PairsConfig
from vicreg_text.datasets.source import Columns, Source
from vicreg_text.datasets.splits import open_split
from vicreg_text.datasets.table import table_source


def build(config: PairsConfig, split: Split) -> TextDataset | None:
    """The sentences of one split; the metadata ``pair``, ``score`` and ``text`` lead back to the pairs.

    Raises:
        DataError: naming the file or row at fault.
    """
    test = partial(_source, config, "test", config.test) if config.test else None
    return open_split(config, split, _source(config, "train", config.train), test)


def _source(config: PairsConfig, key: str, patterns: tuple[str, ...]) -> Source:
    names = (config.first, config.second, *([config.score] if config.score else []))
    table = table_source(config, key, patterns, Columns(text=names))
    # Missing columns are found in the table's own rows, before they are taken apart.
    return replace(
        table,
        fingerprint=key_of("pairs", key, names, table.fingerprint),
        rows=lambda: _sentences(table, config, key),
        columns=Columns(id="id", group="pair", metadata=("pair", "score", "text")),
    )


def _sentences(table: Source, config: PairsConfig, split: str) -> Iterator[Row]:
    for number, row in enumerate(table.rows()):
        if row.problem is not None:
            yield row
            continue
        table.columns.require(row)
        score = row.values[config.score] if config.score else None
        pair = f"{split} {number}"  # unlike those of the other split: a pair is a group
        for place, column in enumerate((config.first, config.second)):
            values = {"text": row.values[column], "id": f"{number}/{place}", "pair": pair, "score": score}
            yield Row(row.place, values)
