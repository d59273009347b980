"""An evaluation as lines of a table and sentences, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vicreg_core.evaluation.verdict import FLOOR_NAMES, Score, scores_of

_MOST = 4
"""Floors that have a column each: more of them fit on no screen."""


def score_table(evaluation: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows: each headline of the encoder with its interval, the floors beside it, and ``n``.

    Of more than four floors the highest is shown, and which it is; the report of a run has them all.
    """
    floors = list(evaluation["baselines"])
    few = len(floors) <= _MOST
    beside_it = [floor_name(floor) for floor in floors] if few else ["highest floor", "which is"]
    columns = ["protocol", "metric", "encoder", "95 % interval", *beside_it, "n"]
    rows = []
    for protocol, result in evaluation["protocols"].items():
        beside = [_by_name(protocol, evaluation["baselines"][floor].get(protocol, {})) for floor in floors]
        for score in scores_of(protocol, result):
            known = {floor: of.get(score.name) for floor, of in zip(floors, beside, strict=True)}
            values = [_shown(of.value) if of else "-" for of in known.values()] if few else _highest(known)
            n = "-" if score.n is None else f"{score.n:,}"
            rows.append([score.name, score.metric, _shown(score.value), _interval(score), *values, n])
    return columns, rows


def sentences(evaluation: Mapping[str, Any]) -> Iterator[str]:
    """The verdicts, why a protocol was skipped, and the notes."""
    for protocol, result in evaluation["protocols"].items():
        if "skipped" in result:
            yield f"{protocol} was not run: {result['skipped']}"
        if "summary" in result:
            yield f"{protocol}: {result['summary']}"
        verdicts: Sequence[Mapping[str, Any]] = result.get("rows", [result])
        yield from (one["verdict"] for one in verdicts if "verdict" in one)
        if leak := result.get("leakage"):
            yield (
                f"{protocol}: cross-validated accuracy {leak['accuracy_groups_apart']:.3f} with groups kept "
                f"apart, {leak['accuracy_groups_ignored']:.3f} with groups ignored; believe only the first"
            )
    yield from evaluation["notes"]


def floor_name(name: str) -> str:
    """What a floor is called in a table."""
    return FLOOR_NAMES.get(name, name).removeprefix("the ")


def _highest(floors: Mapping[str, Score | None]) -> list[str]:
    scored = {name: score.value for name, score in floors.items() if score is not None}
    if not scored:
        return ["-", "-"]
    name = max(scored, key=lambda floor: scored[floor])
    return [_shown(scored[name]), floor_name(name)]


def _by_name(protocol: str, result: Mapping[str, Any]) -> dict[str, Score]:
    return {score.name: score for score in scores_of(protocol, result)}


def _shown(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _interval(score: Score) -> str:
    return "-" if score.interval is None else f"{_shown(score.interval[0])} - {_shown(score.interval[1])}"
