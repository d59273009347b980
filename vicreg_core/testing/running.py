"""Training a recipe from a test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vicreg_core.recipes.load import load_recipe


def run_recipe(recipe: str, overrides: Sequence[str] = (), *, out: Path, evaluate: bool = False) -> Path:
    """Train a recipe in this process, as ``vicreg train`` does.

    Args:
        recipe: a shipped name such as ``signals/quickstart``, or a path.
        overrides: ``key.path=value``.
        out: folder of the run, which must not hold one.
        evaluate: score it and write its report, too.

    Returns:
        ``out``, with ``metrics.jsonl``, ``model/`` and the rest of a run in it.

    Raises:
        VicregError: as the command would say it.
    """
    from vicreg_core.evaluation.run import evaluate_run
    from vicreg_core.report.write import write_report
    from vicreg_core.runs.directory import RunDirectory
    from vicreg_core.training.session import train_run

    train_run(load_recipe(recipe, overrides), RunDirectory(out), resume=False, overwrite=False)
    if evaluate:
        evaluate_run(out)
        write_report(out)
    return out
