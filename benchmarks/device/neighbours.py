"""Exact nearest neighbours of many vectors."""

from __future__ import annotations

import numpy as np

from device.scale import Figures, Scale
from vicreg_core.classifiers.neighbours import nearest


def measure(scale: Scale) -> Figures:
    rows, queries, dims = (2_000, 100, 32) if scale.small else (1_000_000, 1_000, 512)
    generator = np.random.default_rng(0)
    gallery = generator.standard_normal((rows, dims), dtype=np.float32)
    asked = gallery[:queries] + 0.01
    seconds = scale.seconds_of(lambda: nearest(asked, gallery, 20, device=scale.device), rounds=2)
    found = nearest(asked, gallery, 20, device=scale.device)
    right = float((found.row[:, 0].numpy() == np.arange(queries)).mean())
    figure = {
        "gallery": f"{rows:,} x {dims}",
        "queries": queries,
        "seconds": seconds,
        "found themselves": right,
    }
    return [figure if right == 1.0 else {**figure, "failed": "a query did not find itself"}]
