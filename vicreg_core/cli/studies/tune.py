"""``vicreg tune``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("recipe")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--space",
    type=click.Path(path_type=Path, dir_okay=False),
    help="YAML file of keys and what to try; default: learning rate, weights, projector and batch.",
)
@click.option("--trials", type=click.IntRange(min=2), default=20, show_default=True, help="Trials in all.")
@click.option(
    "--by",
    type=click.Choice(["lidar", "rankme", "alpha-req", "probe"]),
    default="lidar",
    show_default=True,
    help="What to choose by; only the probe looks at labels.",
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Trials at once.")
@click.option(
    "--prune",
    is_flag=True,
    help="Stop trials that are behind the median of the earlier ones; needs --by rankme or probe.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder; default studies/<recipe's last name>-tuned."
)
def tune(
    recipe: str,
    overrides: tuple[str, ...],
    space: Path | None,
    trials: int,
    by: str,
    jobs: int,
    prune: bool,
    out: Path | None,
) -> None:
    """Try settings of RECIPE, by default without any label, and write the best as best.yaml.

    Each trial is an ordinary run in the folder. What was stopped goes on with the same command, and a higher
    --trials adds to it. Needs the extra tune.
    """
    from vicreg_core.cli.output import print_table
    from vicreg_core.errors import PluginError
    from vicreg_core.files import write_text
    from vicreg_core.recipes.load import dump_recipe, load_recipe
    from vicreg_core.report.words import number
    from vicreg_core.studies.tuning.page import in_words, render_tuning, shown
    from vicreg_core.studies.tuning.space import default_space, read_space
    from vicreg_core.studies.tuning.trials import Tuning, best_of, importances, write_table
    from vicreg_core.studies.tuning.trials import tune as carry_out

    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise PluginError("vicreg tune needs optuna: pip install 'vicreg-suite[tune]'") from error
    loaded = load_recipe(recipe, overrides, command="vicreg tune")
    folder = out or Path("studies", f"{Path(recipe).stem}-tuned")
    keys = read_space(space) if space else default_space(loaded)
    tuning = Tuning(recipe, overrides, keys, by, folder, prune)  # type: ignore[arg-type]
    found = carry_out(tuning, trials, jobs=jobs, say=lambda line: click.echo(line, err=True))
    write_table(found, folder / "trials.parquet")
    write_text(folder / "tuning.html", render_tuning(tuning, found, importances(tuning)))
    rows = [
        [
            str(each.number),
            *(shown(value) for value in each.params.values()),
            each.figures.ended or number(each.figures.value(tuning.by)),
            number(each.figures.accuracy),
        ]
        for each in found
    ]
    print_table(["trial", *keys.keys, by, "accuracy"], rows)
    for line in in_words(tuning, found):
        click.echo(line)
    if best := best_of(found, tuning.by):
        chosen = load_recipe(recipe, tuning.overrides_of(best.params), command="vicreg tune")
        write_text(folder / "best.yaml", dump_recipe(chosen))
        click.echo(f"its recipe is {folder / 'best.yaml'}")
    click.echo(f"kept in {folder / 'trials.parquet'} and {folder / 'tuning.html'}")
