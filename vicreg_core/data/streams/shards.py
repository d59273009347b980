"""All shards of a dataset: their names, how many rows each has, and any rows of them."""

from __future__ import annotations

import posixpath
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts.stream import Broken, Placed
from vicreg_core.data.streams.formats import Cells, Shard, open_shard
from vicreg_core.data.streams.manifest import Listed, listed
from vicreg_core.data.streams.stores import patiently
from vicreg_core.errors import DataError

_OPEN = 24
"""Shards that are held open; each has a part of itself in memory."""
_COUNTERS = 16


class Shards:
    """The shards that a recipe names; picklable, opened where they are read.

    Args:
        key: of the recipe, for messages.
        patterns: paths, URLs and glob patterns, or that of a manifest.
        columns: those that are needed; ``None``: all.
        skip: leave out shards that cannot be read instead of stopping.

    Raises:
        DataError: nothing matches; or a shard cannot be read, unless ``skip``; or none can be.
    """

    def __init__(
        self, key: str, patterns: Sequence[str], *, columns: Sequence[str] | None = None, skip: bool = False
    ) -> None:
        self.key, self.columns = key, columns
        shards, self.skipped = self._counted(listed(key, patterns), skip)
        self.files = [each for each, _ in shards]
        self.counts: NDArray[np.int64] = np.array([rows for _, rows in shards], dtype=np.int64)
        self.names = _names([each.path for each in self.files])
        self._begin()

    def _begin(self) -> None:
        self._opened: OrderedDict[int, Shard] = OrderedDict()
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Without what is open."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_opened", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()

    def rows(self, shard: int, start: int, stop: int) -> list[Placed | Broken]:
        """The cells of rows ``start`` to ``stop - 1`` of a shard, each with its place.

        Raises:
            DataError: the shard cannot be read, or holds fewer rows than it did, or than its manifest says.
        """
        name = self.files[shard].store.shown(self.files[shard].path)
        opened = self._open(shard)
        with opened.lock:
            found = patiently(lambda: opened.rows(start, stop), name, self.key)
        if len(found) < stop - start:
            raise DataError(
                f"{self.key}: {name} ends at row {start + len(found):,} of {self.counts[shard]:,}: it is "
                "truncated, or its manifest is of other shards (vicreg shards index writes it anew)"
            )
        return [_placed(f"row {row} of {name}", cells) for row, cells in enumerate(found, start)]

    def _open(self, shard: int) -> Shard:
        with self._lock:
            if shard not in self._opened:
                each = self.files[shard]
                self._opened[shard] = open_shard(each.store, each.path, self.columns)
                if len(self._opened) > _OPEN:
                    self._opened.popitem(last=False)
            self._opened.move_to_end(shard)
            return self._opened[shard]

    def _counted(self, files: list[Listed], skip: bool) -> tuple[list[tuple[Listed, int]], list[str]]:
        """The shards with their rows, and those left out."""

        def count(each: Listed) -> int | DataError:
            try:
                shard = open_shard(each.store, each.path, self.columns)
                if each.rows is not None:
                    return each.rows
                try:
                    return patiently(lambda: shard.count, shard.name, self.key)
                finally:
                    shard.close()
            except DataError as error:
                return error

        with ThreadPoolExecutor(_COUNTERS) as threads:
            outcomes = list(zip(files, threads.map(count, files), strict=True))
        broken = [outcome for _, outcome in outcomes if isinstance(outcome, DataError)]
        good = [(each, outcome) for each, outcome in outcomes if not isinstance(outcome, DataError)]
        if broken and (not skip or not good):
            advice = "" if skip else ". Leave such shards out with data.on_error=skip"
            raise DataError(f"{broken[0]}{advice}") from broken[0]
        return good, [str(error) for error in broken]


def _placed(place: str, cells: Cells | str) -> Placed | Broken:
    return Broken(place, cells) if isinstance(cells, str) else Placed(place, cells)


def _names(paths: Sequence[str]) -> list[str]:
    """Paths below the folder that all have in common."""
    folder = posixpath.dirname(paths[0]) if len(paths) == 1 else posixpath.commonpath(paths)
    return [posixpath.relpath(path, folder) for path in paths]
