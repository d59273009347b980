"""Writing the pages: of one run, taking its snapshot where that is due, or of several side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from vicreg_core.errors import VicregError
from vicreg_core.files import write_text
from vicreg_core.report.compare import render_comparison
from vicreg_core.report.page import render_run
from vicreg_core.report.record import read_run
from vicreg_core.report.snapshot_file import read_snapshot, write_snapshot
from vicreg_core.runs.reading import DamagedFile

Say = Callable[[str], None]


def write_report(run: Path, *, refresh: bool = False, say: Say = lambda _: None) -> Path:
    """Write ``report.html`` into a run folder.

    The page needs the samples once, for its snapshot; it is rebuilt without them. Where they cannot be read
    the page is written without map, neighbours and views, and ``say`` is told why.

    Args:
        run: folder of a run.
        refresh: take the snapshot anew even if there is one.
        say: told what is being done.

    Returns:
        The path of the page.

    Raises:
        RunError: the folder is no run, or the disk refuses.
    """
    record = read_run(run)
    if refresh or _snapshot_is_due(run, (record.evaluation or {}).get("model")):
        from vicreg_core.report.snapshot_run import snapshot_run

        try:
            write_snapshot(run, snapshot_run(run, say))
        except VicregError as error:
            say(f"the report goes without map, neighbours and views: {error}")
        record = read_run(run)
    page = run / "report.html"
    write_text(page, render_run(record))
    return page


def write_comparison(runs: Sequence[Path], out: Path) -> Path:
    """Write one page with several runs side by side; their data and models are not needed.

    Raises:
        RunError: one of the folders is no run, or the disk refuses.
    """
    write_text(out, render_comparison([read_run(run) for run in runs]))
    return out


def _snapshot_is_due(run: Path, evaluated_model: str | None) -> bool:
    """Whether a snapshot can be taken, and there is none or it is of another model than was evaluated."""
    if not (run / "model" / "config.json").is_file():
        return False
    try:
        snapshot = read_snapshot(run)
    except DamagedFile:
        return True
    return snapshot is None or (evaluated_model is not None and snapshot["model"] != evaluated_model)
