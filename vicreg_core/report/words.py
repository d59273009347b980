"""Numbers and names as a reader wants them."""

from __future__ import annotations

import math
from collections.abc import Sequence

SHARES = frozenset({"accuracy", "balanced_accuracy", "macro_f1", "recall", "precision", "f1"})
"""Metrics that are read as percentages."""

_NAMES = {
    "knn": "k-nearest neighbours",
    "linear": "linear probe",
    "label-fractions": "few labels",
    "few-labels": "few labels, drawn or suggested",
    "encoder": "this encoder",
    "random_encoder": "random-initialised encoder",
    "raw_features": "raw features",
    "supervised": "supervised from scratch",
    "pretrained": "frozen pretrained encoder",
    "macro_f1": "macro-F1",
    "auroc": "AUROC",
    "map": "mean average precision",
    "rankme": "RankMe",
    "lidar": "LiDAR",
    "alpha_req": "α-ReQ",
    "nmi": "NMI",
    "ari": "ARI",
}


def name_of(key: str) -> str:
    """A protocol's, subject's or metric's name in words."""
    return _NAMES.get(key, key.replace("_", " "))


def number(value: float | None, digits: int = 3) -> str:
    """A number to so many significant digits, with thousands separated; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size < -4 or size >= 7:
        return f"{value:.{digits - 1}e}"
    return f"{value:,.{max(0, digits - 1 - size)}f}"


def count(value: float) -> str:
    """A whole number with thousands separated."""
    return f"{round(value):,}"


def score(metric: str, value: float | None) -> str:
    """A score, as a percentage where its metric is a share."""
    if value is None:
        return "–"
    return f"{100 * value:.1f}\u202f%" if metric in SHARES else f"{value:.3f}"


def interval(metric: str, bounds: Sequence[float] | None) -> str:
    """An interval without a unit of its own; empty where there is none."""
    if bounds is None:
        return ""
    low, high = bounds
    return f"{100 * low:.1f}–{100 * high:.1f}" if metric in SHARES else f"{low:.3f}–{high:.3f}"


def duration(seconds: float) -> str:
    """A duration in its two largest units."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes:02d} min"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Names in a sentence, the first few of many."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
