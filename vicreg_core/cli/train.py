"""``vicreg train``."""

from __future__ import annotations

import functools
import os
import shlex
from pathlib import Path

import click

from vicreg_core.errors import TrainingInterrupted
from vicreg_core.recipes.load import LoadedRecipe, load_recipe


@click.command()
@click.argument("recipe")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; default runs/<recipe's last name>.")
@click.option("--resume", is_flag=True, help="Continue the run in --out from its latest checkpoint.")
@click.option("--overwrite", is_flag=True, help="Replace the run in --out.")
@click.option(
    "--nproc", type=click.IntRange(min=1), default=1, show_default=True, help="Processes on this machine."
)
@click.option(
    "--vectors",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Then write the vectors of all samples to this file, as vicreg embed does.",
)
def train(
    recipe: str,
    overrides: tuple[str, ...],
    out: Path | None,
    resume: bool,
    overwrite: bool,
    nproc: int,
    vectors: Path | None,
) -> None:
    """Train RECIPE, a shipped name such as vision/quickstart or a YAML file, then evaluate it.

    KEY=VALUE changes one key of the recipe, e.g. train.epochs=50 or data.path=photos.
    """
    if resume and overwrite:
        raise click.UsageError("--resume and --overwrite exclude each other")
    if vectors is not None:
        from vicreg_core.vectors.files import require_writable

        require_writable(vectors, "--vectors", overwrite=overwrite or resume)
    loaded = load_recipe(recipe, overrides)
    folder = out or Path("runs", Path(recipe).stem)
    again = ["vicreg", "train", recipe, *overrides, "--out", str(folder), "--resume"]
    from vicreg_core.data.splits import opened_once

    with opened_once():
        try:
            _train(loaded, folder, resume=resume, overwrite=overwrite, nproc=nproc)
        except TrainingInterrupted as stopped:
            again += [] if vectors is None else ["--vectors", str(vectors)]
            stopped.args = (f"{stopped}; its checkpoint is written. Go on with:\n  {shlex.join(again)}",)
            raise
        if int(os.environ.get("RANK", "0")) == 0:
            _evaluate(folder)
            if vectors is not None:
                _embed(folder, vectors)


def _embed(folder: Path, vectors: Path) -> None:
    """Write the vectors of the run's data."""
    from vicreg_core.vectors.files import write_vectors
    from vicreg_core.vectors.of_run import embed_run

    table = embed_run(folder, say=click.echo)
    written = write_vectors(vectors, table)
    click.echo(f"{len(table.vectors):,} vectors in {' and '.join(map(str, written))}")


def _train(loaded: LoadedRecipe, folder: Path, *, resume: bool, overwrite: bool, nproc: int) -> None:
    """Train in this process, in ``nproc`` new ones, or as one of those ``torchrun`` started."""
    from vicreg_core.models.precision import resolve_device
    from vicreg_core.runs.directory import RunDirectory
    from vicreg_core.training.processes import launch
    from vicreg_core.training.session import train_run

    if launch.restarted():
        # The first of the group to be started made the folder, or replaced what was there.
        resume, overwrite = True, False
    device_type = resolve_device(loaded.recipe.train.device).type
    work = functools.partial(train_run, loaded, RunDirectory(folder), resume=resume, overwrite=overwrite)
    if launch.started_by_torchrun():
        with launch.process_group(device_type):
            work()
    elif nproc > 1:
        launch.spawn(work, (), nproc, device_type)
    else:
        work()


def _evaluate(folder: Path) -> None:
    """Score the exported encoder beside its floors, write the report and say where everything lies."""
    from vicreg_core.cli.evaluate import show_evaluation
    from vicreg_core.evaluation.run import evaluate_run
    from vicreg_core.report.write import write_report
    from vicreg_core.runs.directory import RunDirectory
    from vicreg_core.runs.metrics import read_metrics
    from vicreg_core.runs.outlook import outlook

    show_evaluation(evaluate_run(folder, say=click.echo))
    if ahead := outlook(read_metrics(RunDirectory(folder).metrics).records):
        click.echo(str(ahead))
    write_report(folder, say=click.echo)
    click.echo(f"everything lies in {folder}; encode new samples with vicreg_core.load({str(folder)!r})")
