"""When embeddings have collapsed, and what to say about it: pure functions of the logged history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vicreg_core.training.diagnostics import SpaceDiagnostics

PATIENCE = 2
"""Logged steps in a row that must agree: one odd batch is not a collapse."""

COMPLETE_STD = 0.1
"""Median std of the embedding, as a share of the variance target, below which it is a point."""

LOST_RANK = 0.1
"""Share of the highest effective rank seen so far below which a space has lost its dimensions."""

LEAST_RANK = 0.01
"""Share of the highest possible effective rank below which a space never had them."""


class Observation(NamedTuple):
    """One logged step's diagnostics."""

    step: int
    representation: SpaceDiagnostics
    embedding: SpaceDiagnostics


class Collapse(NamedTuple):
    """A detected collapse."""

    kind: str
    """``"complete"`` or ``"dimensional"``."""
    since: int
    """The first logged step of the present episode."""
    message: str
    """What happened and what to try, in words."""


def detect(history: Sequence[Observation], embedding_dim: int, target_std: float = 1.0) -> Collapse | None:
    """The collapse the latest observations show, if any.

    Args:
        history: observations of the run so far, oldest first.
        embedding_dim: width ``D`` of the embedding.
        target_std: the standard deviation the objective asks of each dimension (VICReg's gamma).
    """
    if len(history) < PATIENCE:
        return None
    return _complete(history, target_std) or _dimensional(history, embedding_dim)


def _complete(history: Sequence[Observation], target_std: float) -> Collapse | None:
    bad = [o.embedding.std_median < COMPLETE_STD * target_std for o in history]
    since = _episode(history, bad)
    if since is None:
        return None
    latest = history[-1].embedding
    return Collapse(
        "complete",
        since,
        f"complete collapse since step {since:,}: the median standard deviation of the embedding's "
        f"dimensions is {latest.std_median:.2g} where {target_std:g} is asked, so all samples are mapped "
        "to nearly one point. Exact collapse has no gradient and does not heal. Raise the variance weight "
        "(objective.variance, 25 by default) to at least the invariance weight, lower optimizer.lr, and "
        "start again.",
    )


def _dimensional(history: Sequence[Observation], embedding_dim: int) -> Collapse | None:
    peak = 0.0
    bad = []
    for observation in history:
        rank = observation.embedding.effective_rank
        peak = max(peak, rank)
        possible = min(observation.embedding.rows - 1, embedding_dim)
        bad.append(rank < LOST_RANK * peak or rank < LEAST_RANK * possible)
    since = _episode(history, bad)
    if since is None:
        return None
    return Collapse(
        "dimensional",
        since,
        f"dimensional collapse since step {since:,}: the effective rank of the embedding is "
        f"{history[-1].embedding.effective_rank:.1f} (highest so far {peak:.1f}), so its dimensions repeat "
        "each other. Raise the covariance weight (objective.covariance) or the variance weight "
        "(objective.variance), lower optimizer.lr, or widen the batch (train.batch_size).",
    )


def _episode(history: Sequence[Observation], bad: Sequence[bool]) -> int | None:
    """The first step of the run of ``True`` that ends the list, if it is long enough."""
    length = 0
    while length < len(bad) and bad[-1 - length]:
        length += 1
    return history[-length].step if length >= PATIENCE else None
