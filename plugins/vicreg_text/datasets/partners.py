"""Which documents share a key."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Partners:
    """For each document, others with the same key.

    Args:
        keys: the key of each document; ``None`` is shared with nobody.
        most: partners offered for one document; of larger groups, the next in order.
    """

    def __init__(self, keys: Sequence[str | None], most: int) -> None:
        self.most = most
        named = [f"row {i}" if key is None else f"={key}" for i, key in enumerate(keys)]
        codes = np.unique(named, return_inverse=True)[1]
        self._order = np.argsort(codes, kind="stable")
        sizes = np.bincount(codes)
        starts = np.cumsum(sizes) - sizes
        self._size, self._start = sizes[codes], starts[codes]
        self._place = np.empty(len(codes), dtype=np.int64)
        self._place[self._order] = np.arange(len(codes))
        self._place -= self._start

    def of(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Partners ``(B, most) int64`` of some documents, and which of them exist."""
        step = np.arange(1, self.most + 1)
        size = self._size[indices, None]
        place = self._start[indices, None] + (self._place[indices, None] + step) % size
        return self._order[place], step < size
