"""The scores of ``evaluation.json`` side by side: the encoder's beside those of its floors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from vicreg_core.evaluation.verdict import interval_of


class Score(NamedTuple):
    """One headline of one subject."""

    subject: str
    """``"encoder"`` or the name of a floor."""
    value: float
    interval: tuple[float, float] | None
    n: int | None


class Headline(NamedTuple):
    """One protocol's headline, or one of its rows', over all subjects."""

    protocol: str
    row: str
    """Empty for a protocol with one headline."""
    metric: str
    encoder: Score
    floors: tuple[Score, ...]
    comparable: bool

    @property
    def highest_floor(self) -> Score | None:
        """The floor that is hardest to clear."""
        return max(self.floors, key=lambda floor: floor.value, default=None)

    @property
    def clears(self) -> bool | None:
        """Whether the encoder's 95 % interval lies above every floor; ``None`` where there is none."""
        floor = self.highest_floor
        if floor is None or not self.comparable:
            return None
        return (self.encoder.interval or (self.encoder.value,))[0] > floor.value


def headlines(evaluation: Mapping[str, Any] | None) -> list[Headline]:
    """All headlines, in the order of the protocols; skipped protocols have none."""
    if evaluation is None:
        return []
    found = []
    floors = evaluation.get("baselines") or {}
    for protocol, result in evaluation.get("protocols", {}).items():
        beside = {
            floor: {row: score for row, _, score in _scores(floor, results.get(protocol) or {})}
            for floor, results in floors.items()
        }
        for row, metric, score in _scores("encoder", result):
            scores = tuple(rows[row] for rows in beside.values() if row in rows)
            found.append(Headline(protocol, row, metric, score, scores, result.get("comparable", True)))
    return found


def main_headline(found: Sequence[Headline]) -> Headline | None:
    """What a page opens with: the linear probe if there is one, else the first that is a single number."""
    single = [each for each in found if not each.row] or list(found)
    return next((each for each in single if each.protocol == "linear"), single[0] if single else None)


def skipped(evaluation: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Protocols that could not run, with the reason."""
    protocols = (evaluation or {}).get("protocols", {})
    return [(name, result["skipped"]) for name, result in protocols.items() if "skipped" in result]


def _scores(subject: str, result: Mapping[str, Any]) -> Iterator[tuple[str, str, Score]]:
    rows = result.get("rows", [result] if "metric" in result else [])
    for row in rows:
        value = row.get(row["metric"])
        if value is not None:
            score = Score(subject, float(value), interval_of(row), row.get("n"))
            yield row.get("name", ""), row["metric"], score
