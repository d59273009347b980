"""What a run left behind, read for its page; whatever is missing is said in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from vicreg_core.decisions.audit import FOLDER as AUDIT
from vicreg_core.decisions.audit import FORMAT as AUDIT_FORMAT
from vicreg_core.decisions.audit import SUMMARY
from vicreg_core.errors import RunError
from vicreg_core.recipes.yaml import read_yaml
from vicreg_core.report.snapshot_file import FILE, FORMAT, Snapshot
from vicreg_core.report.timeline import Phase, phases
from vicreg_core.runs.metrics import Metrics, read_metrics
from vicreg_core.runs.reading import DamagedFile, read_log, read_recipe_text, read_sealed


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
        audit: what ``vicreg audit`` found; ``None`` where it was not asked.
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
    audit: Mapping[str, Any] | None = None
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
    text = read_recipe_text(path)
    recipe = path / "recipe.yaml"
    values = read_yaml(text, str(recipe)).data
    if not isinstance(values, dict) or not isinstance(values.get("train"), dict):
        raise RunError(f"{recipe} is damaged: it is no resolved recipe; take it from a copy of the run")
    batch_size = values["train"].get("batch_size")
    if not isinstance(batch_size, int):
        raise RunError(f"{recipe} is damaged: its train.batch_size is {batch_size!r}")
    missing: list[str] = []
    metrics = _metrics(path / "metrics.jsonl", missing)
    evaluation = _sealed(path / "evaluation.json", missing, f"The encoder was not evaluated; {_ask(path)}")
    snapshot = _sealed(path / FILE, missing, _NO_SNAPSHOT.format(path))
    if snapshot is not None and snapshot.get("format") != FORMAT:
        snapshot = None
    audit = _sealed(path / AUDIT / SUMMARY, missing)
    if audit is not None and evaluation is not None and audit.get("model") != evaluation.get("model"):
        missing.append(f"The audit is of another model; run: vicreg audit {path}")
        audit = None
    return RunRecord(
        name=path.resolve().name,
        recipe=values,
        recipe_text=text,
        environment=_sealed(path / "environment.json", missing) or {},
        metrics=metrics,
        evaluation=evaluation,
        snapshot=cast(Snapshot | None, snapshot),
        audit=audit if audit is not None and audit.get("format") == AUDIT_FORMAT else None,
        phases=phases(read_log(path / "train.log"), metrics, batch_size, evaluation or {}),
        missing=missing,
    )


def _sealed(path: Path, missing: list[str], absent: str = "") -> dict[str, Any] | None:
    """What a file holds; where it is missing or damaged, a sentence on that is added."""
    try:
        found = read_sealed(path)
    except DamagedFile as error:
        missing.append(f"{error}.")
        return None
    if found is None and absent:
        missing.append(absent)
    return found


def _metrics(path: Path, missing: list[str]) -> list[dict[str, Any]]:
    try:
        found = read_metrics(path) if path.exists() else Metrics([], [])
    except RunError as error:
        missing.append(f"{error}.")
        return []
    if found.damaged:
        missing.append(
            f"{len(found.damaged)} record(s) of {path} are damaged and left out of the curves: "
            f"{'; '.join(found.damaged[:3])}."
        )
    if not found.records:
        missing.append("No step was logged, so there are no curves.")
    return found.records


def _ask(run: Path) -> str:
    return f"run: vicreg evaluate {run}"


_NO_SNAPSHOT = (
    "There is no snapshot of the samples, so map, neighbours and views are left out; with the data at hand, "
    "run: vicreg report {}"
)
