"""``vicreg bench``."""

from __future__ import annotations

import click


@click.command()
@click.argument("recipe")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--steps", type=click.IntRange(min=3), default=50, show_default=True, help="Steps to time.")
@click.option(
    "--compile", "compiled", is_flag=True, help="Measure train.compile too, which compiles for a minute."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def bench(recipe: str, overrides: tuple[str, ...], steps: int, compiled: bool, as_json: bool) -> None:
    """Train a few steps of RECIPE and say where their time goes, what limits them and what would help.

    Nothing is kept. The model alone, on a batch that lies ready, is the ceiling beside the whole.
    """
    from vicreg_core.bench.measure import bench as measure
    from vicreg_core.bench.words import in_words, rows_of
    from vicreg_core.cli.output import print_json, print_table
    from vicreg_core.recipes.load import load_recipe

    loaded = load_recipe(recipe, overrides, command="vicreg bench")
    found = measure(loaded, steps, compiled=compiled)
    if as_json:
        print_json(found.as_json())
        return
    print_table(["part", "ms a step", "share", ""], rows_of(found))
    for line in in_words(found, loaded.recipe):
        click.echo(line)
