"""``vicreg compare``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("recipe")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--methods",
    default="core/vicreg,core/info-nce,core/barlow-twins,core/sigreg",
    show_default=True,
    help="Objectives, comma-separated; a sum such as core/vicreg+0.1*core/info-nce is one. @KEY=VALUE behind "
    "it overrides the recipe for it alone.",
)
@click.option(
    "--supervised",
    is_flag=True,
    help="Beside them supervised training from scratch on the labels there are: plain, with weight decay, "
    "with dropout, with VCReg.",
)
@click.option(
    "--columns",
    default="",
    metavar="PROTOCOL,...",
    help="Protocols to score by beside the recipe's, such as few-labels or robustness.",
)
@click.option("--vary", metavar="KEY=V1,V2", help="Try each method with each value of a recipe key.")
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of each.")
@click.option(
    "--budget",
    type=click.Choice(["steps", "seconds", "samples"]),
    default="steps",
    show_default=True,
    help="What is equal: the recipe's steps, the seconds they take the first method, or the samples.",
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Runs at once.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Study folder; default studies/<recipe's last name>."
)
def compare(
    recipe: str,
    overrides: tuple[str, ...],
    methods: str,
    supervised: bool,
    columns: str,
    vary: str | None,
    seeds: int,
    budget: str,
    jobs: int,
    out: Path | None,
) -> None:
    """Train RECIPE with several objectives, on the same data, views, encoder and seeds, and say who leads.

    Each run is an ordinary run folder in the study's. A study that was stopped goes on with the same command,
    and methods or seeds can be added to it; finished runs are never repeated.
    """
    from dataclasses import replace

    from vicreg_core.cli.output import print_table
    from vicreg_core.files import write_text
    from vicreg_core.studies.design import Design, split, variation
    from vicreg_core.studies.engine import run_study
    from vicreg_core.studies.folder import StudyFolder
    from vicreg_core.studies.page import render_study
    from vicreg_core.studies.requests import supervised_methods, with_protocols
    from vicreg_core.studies.results import read_outcomes, write_table
    from vicreg_core.studies.statistics import first_scores, summaries, table_of_scores, who_leads

    def say(line: str) -> None:
        click.echo(line, err=True)

    names = tuple(dict.fromkeys(split(methods)))
    folder = StudyFolder(out or Path("studies", Path(recipe).stem))
    settings = variation(vary).settings if vary else ((),)
    design = Design(recipe, overrides, names, settings, seeds, equal_samples=budget == "samples")
    design = with_protocols(design, split(columns))
    if supervised:
        more, left_out = supervised_methods(design)
        design = replace(design, methods=tuple(dict.fromkeys((*names, *more))))
        if left_out:
            say(left_out)
    if budget == "seconds":
        from vicreg_core.studies.pace import equal_seconds

        paces = folder.paces()
        if not set(design.methods) <= set(paces):
            paces = equal_seconds(design, say)
        design = replace(design, steps={name: paces[name] for name in design.methods})
    outcomes = read_outcomes(folder, run_study(design, folder, jobs=jobs, say=say))
    write_table(outcomes, folder.table)
    write_text(folder.page, render_study(design, outcomes))
    print_table(*table_of_scores(outcomes))
    for score in first_scores(outcomes):
        if line := who_leads(summaries(outcomes, score), score):
            click.echo(line)
    click.echo(f"kept in {folder.table} and {folder.page}")
