"""What the runs of a study came to, as one row a run and score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vicreg_core.report.record import RunRecord, read_run
from vicreg_core.report.scores import headlines
from vicreg_core.studies.design import Cell
from vicreg_core.studies.folder import StudyFolder, write_rows


@dataclass(frozen=True, slots=True)
class Outcome:
    """One finished run.

    Attributes:
        cell: which.
        record: what it left.
        failed: it ended in NaN, or was stopped by a collapse.
    """

    cell: Cell
    record: RunRecord
    failed: bool = False

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of its training, by the rates it logged, without probes and checkpoints."""
        return self.clock[-1] if self.clock else 0.0

    @property
    def clock(self) -> list[float]:
        """Seconds of training at each logged step."""
        batch, total, before, times = self.record.option("train.batch_size"), 0.0, 0, []
        for each in self.record.metrics:
            rate = each.get("samples_per_second")
            total += (each["step"] - before) * batch / rate if rate else 0.0
            before = each["step"]
            times.append(total)
        return times

    @property
    def scores(self) -> dict[str, float]:
        """Its headlines by ``protocol`` or ``protocol: row``."""
        return {
            _title(each.protocol, each.row): each.encoder.value for each in headlines(self.record.evaluation)
        }

    @property
    def floors(self) -> dict[str, tuple[str, float]]:
        """The highest floor of each headline, where this run evaluated any."""
        return {
            _title(each.protocol, each.row): (each.highest_floor.subject, each.highest_floor.value)
            for each in headlines(self.record.evaluation)
            if each.highest_floor is not None
        }

    @property
    def collapsed(self) -> bool:
        """The monitor saw a collapse at the last step it logged, or the run failed."""
        return self.failed or bool(self.record.last.get("collapse"))

    @property
    def probes(self) -> list[tuple[int, float, float]]:
        """Step, seconds of training and kNN accuracy of each online probe."""
        return [
            (each["step"], seconds, float(each["probe_knn"]))
            for each, seconds in zip(self.record.metrics, self.clock, strict=True)
            if each.get("probe_knn") is not None
        ]


def read_outcomes(folder: StudyFolder, cells: Sequence[Cell]) -> list[Outcome]:
    """The finished runs, in order.

    Raises:
        RunError: a run is damaged.
    """
    return [Outcome(cell, read_run(folder.run(cell)), folder.failure(cell).exists()) for cell in cells]


def groups_of(outcomes: Sequence[Outcome]) -> list[str]:
    """What is compared, in the order of the study."""
    return list(dict.fromkeys(each.cell.group for each in outcomes))


def scores_of(outcomes: Sequence[Outcome]) -> list[str]:
    """All scores that some run has, in order."""
    return list(dict.fromkeys(score for each in outcomes for score in each.scores))


def write_table(outcomes: Sequence[Outcome], path: Path) -> None:
    """``study.parquet``: method, setting, seed, steps, seconds, collapsed, protocol, row, metric, value,
    interval, n and the highest floor of each score.

    Raises:
        RunError: when the disk refuses.
    """
    write_rows([row for each in outcomes for row in _rows(each)], path)


def _rows(outcome: Outcome) -> list[Mapping[str, Any]]:
    cell, last = outcome.cell, outcome.record.last
    run = {"method": cell.method, "setting": cell.setting, "seed": cell.seed, "steps": last.get("step", 0)}
    run |= {"seconds": round(outcome.seconds, 3), "collapsed": outcome.collapsed}
    return [
        {
            **run,
            "protocol": each.protocol,
            "row": each.row,
            "metric": each.metric,
            "value": each.encoder.value,
            "low": each.encoder.interval[0] if each.encoder.interval else None,
            "high": each.encoder.interval[1] if each.encoder.interval else None,
            "n": each.encoder.n,
            "floor": each.highest_floor.subject if each.highest_floor else None,
            "floor_value": each.highest_floor.value if each.highest_floor else None,
        }
        for each in headlines(outcome.record.evaluation)
    ]


def _title(protocol: str, row: str) -> str:
    return f"{protocol}: {row}" if row else protocol
