"""``vicreg evaluate``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from vicreg_core.evaluation.protocols import NAMES


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--protocol",
    "protocols",
    help=f"Comma-separated, of {', '.join(NAMES)} or a plugin's; default: those of the recipe.",
)
@click.option("--checkpoint", type=int, metavar="STEP", help="The encoder as it was after so many steps.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole evaluation as JSON.")
def evaluate(
    run: Path, overrides: tuple[str, ...], protocols: str | None, checkpoint: int | None, as_json: bool
) -> None:
    """Score the encoder of RUN beside the floors: an untrained encoder and raw features.

    The result is kept in RUN/evaluation.json. KEY=VALUE changes one key of the run's recipe, e.g.
    evaluate.max_train=null or data.path=other-photos; such a result is printed and not
    kept, nor is that of a checkpoint.
    """
    from vicreg_core.cli.output import print_json
    from vicreg_core.evaluation.protocols import load_protocol
    from vicreg_core.evaluation.run import evaluate_run

    names = [name.strip() for name in protocols.split(",")] if protocols else None
    for name in names or ():
        load_protocol(name)
    result = evaluate_run(
        run, names, overrides=overrides, checkpoint=checkpoint, say=lambda line: click.echo(line, err=True)
    )
    if as_json:
        print_json(result)
        return
    show_evaluation(result)
    if not overrides and checkpoint is None:
        click.echo(f"kept in {run / 'evaluation.json'}")


def show_evaluation(result: Mapping[str, Any]) -> None:
    """Print an evaluation: a table of scores beside their floors, then what it means in words."""
    from vicreg_core.cli.output import print_table
    from vicreg_core.evaluation.table import score_table, sentences

    columns, rows = score_table(result)
    if rows:
        print_table(columns, rows)
        click.echo()
    for sentence in sentences(result):
        click.echo(sentence)
