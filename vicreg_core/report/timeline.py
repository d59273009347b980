"""Where the time of a run went, from the stamps it left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple


class Phase(NamedTuple):
    """A stretch of wall-clock time."""

    name: str
    seconds: float


def phases(
    log: str, metrics: Sequence[Mapping[str, Any]], batch_size: int, evaluation: Mapping[str, Any]
) -> list[Phase]:
    """Setting up, reading, training and evaluating, as far as the stamps tell.

    Pauses before a resume are left out. Of runs from before batches were timed, reading counts as training.

    Args:
        log: ``train.log``, whose lines start with an ISO 8601 stamp.
        metrics: logged steps, with ``time`` in seconds since 1970.
        batch_size: samples a step.
        evaluation: its protocols' ``seconds`` count as evaluating.
    """
    stretches = list(_stretches(metrics, batch_size))
    shares = [record.get("waiting", 0.0) for record in metrics if record.get("samples_per_second")]
    waited = sum(share * stretch for share, stretch in zip(shares, stretches, strict=True))
    found = []
    started = _first_stamp(log)
    if started is not None and stretches and metrics[0].get("time"):
        setting_up = metrics[0]["time"] - started - stretches[0]
        if setting_up > 0:
            found.append(Phase("setting up", setting_up))
    if stretches:
        found += [Phase("reading and making views", waited)] if waited else []
        found.append(Phase("training", sum(stretches) - waited))
    return found + _evaluating(evaluation)


def _stretches(metrics: Sequence[Mapping[str, Any]], batch_size: int) -> Iterator[float]:
    """Seconds from each logged step to the next, by their rate, which does not count pauses."""
    previous = 0
    for record in metrics:
        if rate := record.get("samples_per_second"):
            yield (record["step"] - previous) * batch_size / rate
        previous = record["step"]


def _evaluating(evaluation: Mapping[str, Any]) -> list[Phase]:
    own = evaluation.get("protocols", {})
    floors = evaluation.get("baselines", {}).values()
    parts = [("evaluating the encoder", [own]), ("evaluating its floors", list(floors))]
    sums = [
        Phase(name, sum(result.get("seconds", 0.0) for subject in subjects for result in subject.values()))
        for name, subjects in parts
    ]
    return [phase for phase in sums if phase.seconds > 0]


def _first_stamp(log: str) -> float | None:
    head = log.partition(" ")[0]
    try:
        return datetime.fromisoformat(head).timestamp()
    except ValueError:
        return None
