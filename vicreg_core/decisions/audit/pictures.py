"""The samples that an audit names first, as a report shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vicreg_core.contracts import DatasetAdapter, Shown
from vicreg_core.data.png import png_text, reduced
from vicreg_core.decisions.samples import RunSamples

MOST = 8
"""Findings of a kind that are shown."""

_SIDE, _TEXT = 96, 300


def shown_samples(
    opened: RunSamples, parts: Sequence[DatasetAdapter], rows: Sequence[int]
) -> Mapping[int, dict[str, Any]]:
    """Of each row, counted over all parts, ``{"png": base64}`` or ``{"text": ...}``, where it has one.

    Args:
        opened: has the model whose evaluation view is shown.
        parts: the training samples, then the test samples.
        rows: of the samples.
    """
    found: dict[int, dict[str, Any]] = {}
    start = 0
    for data in parts:
        own = sorted({row for row in rows if start <= row < start + len(data)})
        if own:
            seen = opened.seen(data, np.array(own) - start)
            found |= {row: _encoded(one) for row, one in zip(own, seen, strict=False)}
        start += len(data)
    return found


def _encoded(one: Shown) -> dict[str, Any]:
    return {"text": one[:_TEXT]} if isinstance(one, str) else {"png": png_text(reduced(one, _SIDE))}
