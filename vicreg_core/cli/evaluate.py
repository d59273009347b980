"""``vicreg evaluate``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from vicreg_core.plugins.builtin import vicreg_protocols

_NAMES = [spec.name for spec in vicreg_protocols()]


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--protocol",
    "protocols",
    help=f"Comma-separated, of {', '.join(_NAMES)} or a plugin's; default: those of the recipe.",
)
@click.option("--checkpoint", type=int, metavar="STEP", help="The encoder as it was after so many steps.")
@click.option("--supervised", is_flag=True, help="Beside a network trained from scratch with the labels.")
@click.option(
    "--beside",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="RUN_OR_MODEL",
    help="Beside another frozen encoder; may be given several times.",
)
@click.option(
    "--transfer", metavar="RECIPE", help="On the data of another recipe, which KEY=VALUE then changes."
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole evaluation as JSON.")
def evaluate(
    run: Path,
    overrides: tuple[str, ...],
    protocols: str | None,
    checkpoint: int | None,
    supervised: bool,
    beside: tuple[Path, ...],
    transfer: str | None,
    as_json: bool,
) -> None:
    """Score the encoder of RUN beside the floors: an untrained encoder and raw features.

    The result is kept in RUN/evaluation.json. KEY=VALUE changes one key of the run's recipe, e.g.
    evaluate.max_train=null or data.path=other-photos; such a result is printed and not
    kept, nor is that of a checkpoint. A transfer is kept, under its name.
    """
    from vicreg_core.cli.output import print_json
    from vicreg_core.evaluation.run import evaluate_run
    from vicreg_core.plugins.registry import load_registry
    from vicreg_core.recipes.protocols import find_protocol

    names = [name.strip() for name in protocols.split(",")] if protocols else None
    for name in names or ():
        find_protocol(load_registry(), name)
    result = evaluate_run(
        run,
        names,
        overrides=overrides,
        checkpoint=checkpoint,
        supervised=supervised,
        beside=beside,
        transfer=transfer,
        say=lambda line: click.echo(line, err=True),
    )
    if as_json:
        print_json(result)
        return
    show_evaluation(result)
    if checkpoint is None and (transfer or not overrides):
        click.echo(f"kept in {run / 'evaluation.json'}")


def show_evaluation(result: Mapping[str, Any]) -> None:
    """Print an evaluation: a table of scores beside their floors, then what it means in words.

    What is kept of the same encoder on other data follows.
    """
    from vicreg_core.cli.output import print_table
    from vicreg_core.evaluation.metrics.table import score_table, sentences

    columns, rows = score_table(result)
    if rows:
        print_table(columns, rows)
        click.echo()
    for sentence in sentences(result):
        click.echo(sentence)
    for name, of in result.get("transfer", {}).items():
        click.echo(f"\ntransfer to {name}:\n")
        show_evaluation(of)
