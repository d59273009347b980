"""What a trial is judged by, and the figures kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from vicreg_core.report.record import RunRecord

Criterion = Literal["lidar", "rankme", "alpha-req", "probe"]


class Figures(NamedTuple):
    """What a trial came to; ``None`` where it cannot be said.

    Attributes:
        lidar, rankme, alpha_req: of the representation, without labels (protocol ``rank``).
        probe: kNN accuracy of the online probe at the end, by training labels.
        accuracy: of the linear probe, else of kNN, on test labels: no criterion, but what regret is measured
            by.
        collapsed: the monitor stopped it.
        pruned: it was stopped because others had come further by then.
    """

    lidar: float | None = None
    rankme: float | None = None
    alpha_req: float | None = None
    probe: float | None = None
    accuracy: float | None = None
    collapsed: bool = False
    pruned: bool = False

    @property
    def ended(self) -> str:
        """Why the trial has no end: ``"collapsed"`` or ``"pruned"``; empty where it has one."""
        return "collapsed" if self.collapsed else "pruned" if self.pruned else ""

    def value(self, by: Criterion) -> float | None:
        """What is maximised; of alpha-ReQ the closeness to 1, ``-|alpha - 1|``."""
        if by == "alpha-req":
            return None if self.alpha_req is None else -abs(self.alpha_req - 1)
        found: float | None = getattr(self, by)
        return found


def figures_of(record: RunRecord) -> Figures:
    """Read a finished run."""
    protocols: Mapping[str, Any] = (record.evaluation or {}).get("protocols", {})
    rank = protocols.get("rank", {})
    probes = [each["probe_knn"] for each in record.metrics if each.get("probe_knn") is not None]
    scored = [protocols[name].get("accuracy") for name in ("linear", "knn") if name in protocols]
    return Figures(
        rank.get("lidar"),
        rank.get("rankme"),
        rank.get("alpha_req"),
        probes[-1] if probes else None,
        next((score for score in scored if score is not None), None),
        bool(record.last.get("collapse")),
    )
