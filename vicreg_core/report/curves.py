"""Series of a run's metrics, thinned to what a chart can show."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from vicreg_core.report.charts.lines import Series

MOST_POINTS = 300


def thinned(metrics: Sequence[Mapping[str, Any]], most: int = MOST_POINTS) -> list[Mapping[str, Any]]:
    """Every so many records, the last one always among them: real records, nothing averaged."""
    if len(metrics) <= most:
        return list(metrics)
    stride = math.ceil(len(metrics) / most)
    return [record for place, record in enumerate(metrics) if (len(metrics) - 1 - place) % stride == 0]


def series_of(
    metrics: Sequence[Mapping[str, Any]], key: str, name: str, colour: int = 0, *, dashed: bool = False
) -> Series:
    """One metric over the steps."""
    return Series(name, [r["step"] for r in metrics], [r.get(key) for r in metrics], colour, dashed)


def branches(metrics: Sequence[Mapping[str, Any]], term: str) -> list[str]:
    """The keys of a term by branch, ``variance_0`` and so on."""
    names = {key for record in metrics[-1:] for key in record if re.fullmatch(rf"{term}_\d+", key)}
    return sorted(names, key=lambda name: int(name.rpartition("_")[2]))


def per_branch(metrics: Sequence[Mapping[str, Any]], term: str) -> list[Series]:
    """A term of each branch; of the whole where branches were not logged."""
    keys = branches(metrics, term)
    if not keys:
        return [series_of(metrics, term, term)]
    return [series_of(metrics, key, f"branch {place + 1}", place % 8) for place, key in enumerate(keys)]
