"""The scores of several draws of as many labels as one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vicreg_core.evaluation.metrics.bootstrap import mean_interval

_SCORES = ("accuracy", "balanced_accuracy", "macro_f1", "auroc")


def row_of_draws(scores: Sequence[Mapping[str, Any]], metric: str) -> dict[str, Any]:
    """Of several draws the mean of each score, and the 95 % interval of that mean.

    Args:
        scores: those of each draw, at least two.
        metric: the headline, one of the scores.
    """
    row: dict[str, Any] = {"metric": metric, "interval_over": "draws of the labels", "draws": len(scores)}
    for name in (name for name in _SCORES if name in scores[0]):
        values = [float(each[name]) for each in scores]
        row[name] = float(np.mean(values))
        row["interval" if name == "accuracy" else f"{name}_interval"] = mean_interval(values)
        if name == metric:
            row["std"] = float(np.std(values, ddof=1))
    return row
