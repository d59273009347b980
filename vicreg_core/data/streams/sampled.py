"""Some rows of many shards, or all rows of a few."""

from __future__ import annotations

from vicreg_core.contracts.stream import Broken, Placed
from vicreg_core.data.streams.shards import Shards
from vicreg_core.errors import DataError

_SHARDS = 64
"""Shards that a sample is taken of, at most."""


def sampled(shards: Shards, size: int | None, *, skip: bool = False) -> list[tuple[str, Placed]]:
    """The first rows of evenly spaced shards, each with its id; what cannot be read is left out if ``skip``.

    Args:
        shards: where they are.
        size: how many; ``None``: all rows of all shards.
        skip: leave out what cannot be read.

    Raises:
        DataError: a row cannot be read, unless ``skip``; or none can.
    """
    there = [shard for shard, rows in enumerate(shards.counts.tolist()) if rows]
    chosen = there if size is None else there[:: -(-len(there) // min(_SHARDS, size))]
    wanted = int(shards.counts.sum()) if size is None else size
    found, broken = list[tuple[str, Placed]](), list[Broken]()
    for left, shard in zip(range(len(chosen), 0, -1), chosen, strict=True):
        share = int(shards.counts[shard]) if size is None else -(-(wanted - len(found)) // left)
        for row, each in enumerate(shards.rows(shard, 0, min(share, int(shards.counts[shard])))):
            if isinstance(each, Placed):
                found.append((f"{shards.names[shard]}:{row}", each))
            elif not skip:
                raise DataError(f"{each.place}: {each.reason}. Leave such rows out with data.on_error=skip")
            else:
                broken.append(each)
    if not found:
        what = f"; the first is {broken[0].place}: {broken[0].reason}" if broken else ""
        raise DataError(f"{shards.key}: no row of the shards can be read{what}")
    return found
