"""A random choice of a dataset's samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts import DatasetAdapter
from vicreg_core.contracts.keys import hash_ids, mix, mix_int, stream_id
from vicreg_core.data.subset import Subset


def draw(data: DatasetAdapter, most: int | None, seed: int) -> NDArray[np.int64]:
    """Rows of at most ``most`` samples, a random choice that depends on ids and seed alone; sorted."""
    if most is None or most >= len(data):
        return np.arange(len(data))
    key = mix(hash_ids(data.ids) ^ mix_int(seed, stream_id("evaluation"))).numpy()
    return np.sort(np.argsort(key, kind="stable")[:most])


def limited(data: DatasetAdapter, most: int | None, seed: int) -> DatasetAdapter:
    """The dataset, or a :func:`draw` of it where it has more samples than ``most``."""
    return data if most is None or most >= len(data) else Subset(data, draw(data, most, seed))
