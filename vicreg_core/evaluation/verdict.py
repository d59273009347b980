"""Whether a score clears its floors, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

FLOOR_NAMES = {
    "random_encoder": "the untrained encoder",
    "raw_features": "raw features",
    "supervised": "supervised training from scratch",
}


class Score(NamedTuple):
    """One headline of a protocol."""

    name: str
    """The protocol, with the row where it has several."""
    metric: str
    value: float
    interval: tuple[float, float] | None
    n: int | None
    comparable: bool


def scores_of(protocol: str, result: Mapping[str, Any]) -> Iterator[Score]:
    """The headlines of a protocol's result, in its order; none where it was skipped or is not defined."""
    rows = result.get("rows", [result] if "metric" in result else [])
    for row in rows:
        if row[row["metric"]] is None:
            continue
        name = f"{protocol}: {row['name']}" if "name" in row else protocol
        yield Score(
            name,
            row["metric"],
            row[row["metric"]],
            interval_of(row),
            row.get("n"),
            result.get("comparable", True),
        )


def interval_of(row: Mapping[str, Any]) -> tuple[float, float] | None:
    """The 95 % interval of a row's headline: that of its metric by name, else the row's only one."""
    bounds = row.get(f"{row['metric']}_interval", row.get("interval"))
    return None if bounds is None or None in bounds else (float(bounds[0]), float(bounds[1]))


def add_verdicts(protocol: str, result: dict[str, Any], floors: Mapping[str, Mapping[str, Any]]) -> None:
    """Judge each headline of the encoder's result by the same headline of every floor, in place.

    Args:
        protocol: its name.
        result: the encoder's.
        floors: results of the same protocol by floor; one without the headline is left out.
    """
    beside = {floor: {score.name: score for score in scores_of(protocol, of)} for floor, of in floors.items()}
    rows = [row for row in result.get("rows", [result]) if row.get(row.get("metric")) is not None]
    for row, score in zip(rows, scores_of(protocol, result), strict=True):
        row |= judge(score, {floor: of[score.name] for floor, of in beside.items() if score.name in of})


def judge(score: Score, floors: Mapping[str, Score]) -> dict[str, Any]:
    """Compare one headline with the same headline of each floor.

    The encoder clears a floor where its 95 % interval lies above the floor's value.

    Args:
        score: the encoder's.
        floors: by name of the floor; empty where none was evaluated.

    Returns:
        ``clears_floors`` (``None`` without floors) and ``verdict``, a sentence.
    """
    if not floors or not score.comparable:
        return {}
    name, floor = max(floors.items(), key=lambda item: item[1].value)
    what = FLOOR_NAMES.get(name, name)
    low = score.value if score.interval is None else score.interval[0]
    reached = f"{score.name}: {score.metric} {score.value:.3f}"
    if score.value <= floor.value:
        words = f"does NOT clear its floor: {floor.value:.3f} of {what} alone"
    elif low <= floor.value:
        words = (
            f"is not clearly above its floor: {floor.value:.3f} of {what} lies within its 95 % interval "
            f"{_range(score.interval)}"
        )
    else:
        words = f"clears its floors; the highest is {floor.value:.3f}, of {what}"
    return {"clears_floors": low > floor.value, "verdict": f"{reached} {words}"}


def _range(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"[{interval[0]:.3f}, {interval[1]:.3f}]"
