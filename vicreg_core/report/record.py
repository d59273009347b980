"""What a run left behind, read for its page; whatever is missing is said in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vicreg_core.errors import RunError
from vicreg_core.recipes.yaml import read_yaml
from vicreg_core.report.snapshot_file import Snapshot, read_snapshot
from vicreg_core.report.timeline import Phase, phases
from vicreg_core.runs.metrics import read_metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run, as plain values.

    Attributes:
        name: the folder's name.
        recipe: the resolved recipe.
        recipe_text: the same as YAML.
        environment: versions and hardware.
        metrics: one mapping a logged step.
        evaluation: ``protocols``, ``baselines`` and ``notes``; ``None`` where it was not evaluated.
        snapshot: what was kept of the evaluated samples; ``None`` where nothing was.
        phases: where time went.
        missing: sentences on what is not there.
    """

    name: str
    recipe: Mapping[str, Any]
    recipe_text: str = ""
    environment: Mapping[str, Any] = field(default_factory=dict)
    metrics: Sequence[Mapping[str, Any]] = ()
    evaluation: Mapping[str, Any] | None = None
    snapshot: Snapshot | None = None
    phases: Sequence[Phase] = ()
    missing: Sequence[str] = ()

    @property
    def last(self) -> Mapping[str, Any]:
        """The last logged step; empty where none was logged."""
        return self.metrics[-1] if self.metrics else {}

    def option(self, key: str) -> Any:
        """A recipe value by its dotted key; ``None`` where it is not set."""
        value: Any = self.recipe
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value


def read_run(path: Path) -> RunRecord:
    """Read a run folder.

    Raises:
        RunError: the folder is no run, or one of its files is damaged.
    """
    recipe = path / "recipe.yaml"
    if not recipe.is_file():
        raise RunError(f"{path} is not a run: it has no recipe.yaml; give a folder that vicreg train wrote")
    missing: list[str] = []
    text = recipe.read_text(encoding="utf-8")
    values = read_yaml(text, str(recipe)).data
    if not isinstance(values, dict) or "batch_size" not in (values.get("train") or {}):
        raise RunError(
            f"{recipe} is damaged: it does not hold a resolved recipe; take it from a copy of the run"
        )
    metrics_file, log = path / "metrics.jsonl", path / "train.log"
    log_text = log.read_text(encoding="utf-8") if log.is_file() else ""
    metrics = read_metrics(metrics_file) if metrics_file.is_file() else []
    if not metrics:
        missing.append("No step was logged, so there are no curves.")
    evaluation = _read_json(path / "evaluation.json")
    if evaluation is None:
        missing.append(f"The encoder was not evaluated; run: vicreg evaluate {path}")
    snapshot = read_snapshot(path)
    if snapshot is None:
        missing.append(
            "There is no snapshot of the samples, so map, neighbours and views are left out; "
            f"with the data at hand, run: vicreg report {path}"
        )
    return RunRecord(
        name=path.resolve().name,
        recipe=values,
        recipe_text=text,
        environment=_read_json(path / "environment.json") or {},
        metrics=metrics,
        evaluation=evaluation,
        snapshot=snapshot,
        phases=phases(log_text, metrics, values["train"]["batch_size"], evaluation or {}),
        missing=missing,
    )


def _read_json(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{path} is damaged ({error}); write it again or remove it") from error
    return value
