"""When embeddings have collapsed, and what to say about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from vicreg_core.training.diagnostics import SpaceDiagnostics

PATIENCE = 2
"""Logged steps in a row that must agree: one odd batch is not a collapse."""

COMPLETE_STD = 0.1
"""Median std of the embedding, as a share of the variance target, below which it is a point."""

LOST_RANK = 0.1
"""Share of the highest effective rank seen so far below which a space has lost its dimensions."""

LEAST_RANK = 0.01
"""Share of the highest possible effective rank below which a space never had them."""


class Collapse(NamedTuple):
    """A detected collapse."""

    kind: str
    """``"complete"`` or ``"dimensional"``."""
    since: int
    """The first logged step of the present episode."""
    message: str
    """What happened and what to try, in words."""


class Episode(NamedTuple):
    """The logged steps in a row, up to the latest, that show one kind of collapse."""

    since: int = 0
    length: int = 0

    def followed_by(self, step: int, bad: bool) -> Episode:
        """The episode after one more logged step."""
        if not bad:
            return Episode()
        return Episode(self.since if self.length else step, self.length + 1)


class CollapseDetector:
    """Follows the diagnostics of the embedding through a run and says when they show a collapse.

    What it remembers are a few numbers, however long the run.

    Args:
        target_std: the standard deviation the objective asks of each dimension (VICReg's gamma).
        remedies: what to do, by kind of collapse.
    """

    def __init__(self, target_std: float, remedies: Mapping[str, str]) -> None:
        self.target_std, self.remedies = target_std, remedies
        self.highest_rank = 0.0
        self.latest: SpaceDiagnostics | None = None
        self.complete, self.dimensional = Episode(), Episode()

    def observe(self, step: int, embedding: SpaceDiagnostics, dims: int) -> None:
        """Take in the diagnostics of a logged step.

        Args:
            step: later than those before.
            embedding: of the embedding.
            dims: width ``D`` of the embedding.
        """
        rank = embedding.effective_rank
        self.latest, self.highest_rank = embedding, max(self.highest_rank, rank)
        self.complete = self.complete.followed_by(step, embedding.std_median < COMPLETE_STD * self.target_std)
        least = max(LOST_RANK * self.highest_rank, LEAST_RANK * min(embedding.rows - 1, dims))
        self.dimensional = self.dimensional.followed_by(step, rank < least)

    def collapse(self) -> Collapse | None:
        """The collapse that the latest observations show, if any."""
        if self.latest is None:
            return None
        if self.complete.length >= PATIENCE:
            return Collapse("complete", self.complete.since, self._complete(self.latest))
        if self.dimensional.length >= PATIENCE:
            return Collapse("dimensional", self.dimensional.since, self._dimensional(self.latest))
        return None

    def state_dict(self) -> dict[str, Any]:
        """What it remembers, as plain values for the checkpoint."""
        return {
            "highest_rank": self.highest_rank,
            "latest": self.latest and tuple(self.latest),
            "complete": tuple(self.complete),
            "dimensional": tuple(self.dimensional),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore :meth:`state_dict`'s result."""
        self.highest_rank = state["highest_rank"]
        self.latest = state["latest"] and SpaceDiagnostics(*state["latest"])
        self.complete, self.dimensional = Episode(*state["complete"]), Episode(*state["dimensional"])

    def _complete(self, latest: SpaceDiagnostics) -> str:
        return (
            f"complete collapse since step {self.complete.since:,}: the median standard deviation of the "
            f"embedding's dimensions is {latest.std_median:.2g} where {self.target_std:g} is asked, so all "
            f"samples are mapped to nearly one point. Exact collapse has no gradient and does not heal. "
            f"{self.remedies['complete']}"
        )

    def _dimensional(self, latest: SpaceDiagnostics) -> str:
        return (
            f"dimensional collapse since step {self.dimensional.since:,}: the effective rank of the "
            f"embedding is {latest.effective_rank:.1f} (highest so far {self.highest_rank:.1f}), so its "
            f"dimensions repeat each other. {self.remedies['dimensional']}"
        )
