"""Projections as the page's map takes them."""

from __future__ import annotations

import numpy as np

from vicreg_core.report.snapshot_file import GRID, Map
from vicreg_core.vectors.projection import Projection


def map_of(projection: Projection) -> Map:
    """The points on the map's grid, each axis stretched over the whole of it."""
    points = projection.points
    low, high = points.min(axis=0), points.max(axis=0)
    middle, reach = (low + high) / 2, np.maximum(high - low, 1e-12)
    grid = np.rint(((points - middle) / reach + 0.5) * GRID).astype(int)
    return Map(name=projection.name, note=projection.note, x=grid[:, 0].tolist(), y=grid[:, 1].tolist())
