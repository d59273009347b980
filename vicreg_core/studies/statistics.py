"""Means over seeds, paired differences and what may be said of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from vicreg_core.studies.results import Outcome, groups_of, scores_of

_BESIDE = 4
"""Scores that fit a terminal beside each other whatever the number of methods."""


class Summary(NamedTuple):
    """A score of one method in one setting over its seeds.

    Attributes:
        values: one a seed.
        seeds: of the values; of a run that failed there is none. Empty: counted from 0.
    """

    values: tuple[float, ...]
    seeds: tuple[int, ...] = ()

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(np.mean(self.values))

    @property
    def std(self) -> float:
        """Over the seeds, of what they are drawn from; 0 for one seed."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else 0.0

    @property
    def spread(self) -> str:
        """Its deviation as it stands behind the mean; empty for one seed."""
        return f" ± {self.std:.3f}" if len(self.values) > 1 else ""

    @property
    def by_seed(self) -> dict[int, float]:
        """Each seed's value."""
        return dict(zip(self.seeds or range(len(self.values)), self.values, strict=True))


class Difference(NamedTuple):
    """A method less another, paired by seed.

    Attributes:
        mean: of the differences.
        low, high: its 95 % interval by Student's t over the seeds; infinite for one seed.
    """

    mean: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """The interval does not hold 0."""
        return self.low > 0 or self.high < 0


def summaries(outcomes: Sequence[Outcome], score: str) -> dict[str, Summary]:
    """A score by group, in the order of the study; groups without it are left out."""
    values: dict[str, dict[int, float]] = {}
    for each in outcomes:
        if score in each.scores:
            values.setdefault(each.cell.group, {})[each.cell.seed] = each.scores[score]
    return {group: Summary(tuple(found.values()), tuple(found)) for group, found in values.items()}


def paired(first: Summary, second: Summary) -> Difference:
    """``first - second`` over the seeds both have; without any, nothing can be said."""
    others = second.by_seed
    apart = np.array([value - others[seed] for seed, value in first.by_seed.items() if seed in others])
    mean = float(apart.mean()) if len(apart) else math.nan
    if len(apart) < 2:
        return Difference(mean, -math.inf, math.inf)
    from scipy.stats import t  # type: ignore[import-untyped]

    half = float(t.ppf(0.975, len(apart) - 1)) * float(apart.std(ddof=1)) / math.sqrt(len(apart))
    return Difference(mean, mean - half, mean + half)


def who_leads(found: Mapping[str, Summary], score: str) -> str:
    """A sentence: who is first by the mean, and whether the seeds allow saying so."""
    ranked = sorted(found, key=lambda group: -found[group].mean)
    if len(ranked) < 2:
        return ""
    first, second = ranked[:2]
    apart = paired(found[first], found[second])
    seeds = len(found[first].by_seed.keys() & found[second].by_seed.keys())
    led = f"{score}: {first} leads with {found[first].mean:.3f}, then {second} with {found[second].mean:.3f}"
    if seeds < 2:
        return f"{led}; of one seed each, which allows no claim"
    bounds = f"difference {apart.mean:+.3f}, 95 % interval {apart.low:+.3f} to {apart.high:+.3f}"
    verdict = "the lead is clear" if apart.is_clear else "no clear lead"
    return f"{led}; {bounds} over {seeds} seeds: {verdict}"


def time_to(outcome: Outcome, accuracy: float) -> tuple[int, float] | None:
    """Steps and seconds until the online probe first reached an accuracy; ``None``: it never did."""
    return next(((step, clock) for step, clock, score in outcome.probes if score >= accuracy), None)


def table_of_scores(outcomes: Sequence[Outcome]) -> tuple[list[str], list[list[str]]]:
    """For a terminal, headings and rows: a row a group, mean ± std of each score, and seconds; floors last.

    Where there are more scores than groups, a row a score.
    """
    scores = scores_of(outcomes)
    found = {score: summaries(outcomes, score) for score in scores}
    rows = []
    for group in groups_of(outcomes):
        cells = [group]
        for score in scores:
            own = found[score].get(group)
            cells.append(f"{own.mean:.3f}{own.spread}" if own else "-")
        seconds = [each.seconds for each in outcomes if each.cell.group == group]
        rows.append([*cells, f"{np.mean(seconds):.1f}"])
    floors = [[each.floors[score][1] for each in outcomes if score in each.floors] for score in scores]
    if any(floors):
        rows.append(["highest floor", *(f"{max(each):.3f}" if each else "-" for each in floors), ""])
    columns = ["", *scores, "seconds"]
    if len(scores) <= max(_BESIDE, len(rows)):
        return columns, rows
    first, *others = (list(each) for each in zip(columns, *rows, strict=True))
    return first, others


def first_scores(outcomes: Sequence[Outcome]) -> list[str]:
    """The first score of each protocol."""
    by_protocol: dict[str, str] = {}
    for score in scores_of(outcomes):
        by_protocol.setdefault(score.partition(": ")[0], score)
    return list(by_protocol.values())
