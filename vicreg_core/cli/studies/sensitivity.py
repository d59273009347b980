"""``vicreg sensitivity``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("recipe")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--points", type=click.IntRange(min=3), default=5, show_default=True, help="Values of each number; odd."
)
@click.option(
    "--vary", multiple=True, metavar="KEY=V1,V2", help="A further key with its values; may be given often."
)
@click.option(
    "--map/--no-map",
    "grid",
    default=True,
    show_default=True,
    help="Try the weights of invariance and variance together too.",
)
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Runs of each.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Runs at once.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder; default studies/<recipe's last name>-sensitivity."
)
def sensitivity(
    recipe: str,
    overrides: tuple[str, ...],
    points: int,
    vary: tuple[str, ...],
    grid: bool,
    seeds: int,
    jobs: int,
    out: Path | None,
) -> None:
    """Train RECIPE at values around its own, key by key, and say what it depends on and where it collapses.

    Each run is an ordinary run in the folder. What was stopped goes on with the same command; finished runs
    are never repeated.
    """
    from vicreg_core.cli.output import print_table
    from vicreg_core.files import write_text
    from vicreg_core.recipes.load import load_recipe
    from vicreg_core.studies.design import variation
    from vicreg_core.studies.engine import run_study
    from vicreg_core.studies.folder import StudyFolder
    from vicreg_core.studies.results import read_outcomes, scores_of, write_table
    from vicreg_core.studies.sensitivity import studied, survey
    from vicreg_core.studies.sensitivity_page import in_words, render_sensitivity, rows_of

    if points % 2 == 0:
        raise click.BadParameter("expected an odd number, so that the recipe's own is the middle one")
    loaded = load_recipe(recipe, overrides, command="vicreg sensitivity")
    what = survey(loaded, points, [variation(each) for each in vary], grid=grid)
    folder = StudyFolder(out or Path("studies", f"{Path(recipe).stem}-sensitivity"))
    design = studied(recipe, overrides, what, loaded.recipe.objective.name, seeds)
    cells = run_study(design, folder, jobs=jobs, say=lambda line: click.echo(line, err=True))
    outcomes = read_outcomes(folder, cells)
    write_table(outcomes, folder.table)
    page = folder.path / "sensitivity.html"
    write_text(page, render_sensitivity(design, what, outcomes))
    print_table(["key", "value", *scores_of(outcomes), "collapse"], rows_of(what, outcomes))
    for line in in_words(what, outcomes):
        click.echo(line)
    click.echo(f"kept in {folder.table} and {page}")
