"""The command ``vicreg``. Nothing is imported here that ``vicreg --help`` does not need."""

from __future__ import annotations

import click

from vicreg_core.cli.frame import FramedGroup
from vicreg_core.cli.lazy import Entry

COMMANDS = {
    "train": Entry("vicreg_core.cli.train:train", "Train an encoder by a recipe.", "Runs"),
    "evaluate": Entry("vicreg_core.cli.evaluate:evaluate", "Score the encoder of a run.", "Runs"),
    "embed": Entry("vicreg_core.cli.embed:embed", "Write the vectors of a dataset to a file.", "Runs"),
    "report": Entry("vicreg_core.cli.report:report", "Write the page of a run, or of several.", "Runs"),
    "export": Entry("vicreg_core.cli.export:export", "Write the encoder of a run for other tools.", "Runs"),
    "explore": Entry("vicreg_core.cli.explore:explore", "Explore the vectors of a run in a browser.", "Runs"),
    "compare": Entry(
        "vicreg_core.cli.studies.compare:compare", "Compare objectives on one recipe.", "Studies"
    ),
    "tune": Entry("vicreg_core.cli.studies.tune:tune", "Choose settings, without labels.", "Studies"),
    "sensitivity": Entry(
        "vicreg_core.cli.studies.sensitivity:sensitivity", "Map what a recipe depends on.", "Studies"
    ),
    "suggest": Entry(
        "vicreg_core.cli.decide.suggest:suggest", "Say which samples to label next.", "Decisions"
    ),
    "label": Entry("vicreg_core.cli.decide.label:label", "Label samples in the browser.", "Decisions"),
    "fit": Entry("vicreg_core.cli.decide.fit:fit", "Make a classifier of few labels.", "Decisions"),
    "predict": Entry("vicreg_core.cli.decide.predict:predict", "Decide every sample.", "Decisions"),
    "search": Entry("vicreg_core.cli.decide.search:search", "Find the nearest samples.", "Decisions"),
    "audit": Entry("vicreg_core.cli.decide.audit:audit", "Check data and labels for faults.", "Decisions"),
    "bench": Entry(
        "vicreg_core.cli.house.bench:bench", "Say where the time of training goes.", "Housekeeping"
    ),
    "doctor": Entry("vicreg_core.cli.house.doctor:doctor", "Say what would be in the way.", "Housekeeping"),
    "shards": Entry("vicreg_core.cli.house.shards:shards", "Pack data into shards.", "Housekeeping"),
    "recipe": Entry("vicreg_core.cli.recipe:recipe", "List, show, copy and check recipes.", "Housekeeping"),
    "plugin": Entry("vicreg_core.cli.plugin:plugin", "List and check plugins.", "Housekeeping"),
}


@click.command(
    cls=FramedGroup,
    entries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: vicreg train vision/quickstart",
)
@click.version_option(package_name="vicreg-suite", prog_name="vicreg")
@click.option("--debug", is_flag=True, envvar="VICREG_DEBUG", help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Learn representations from unlabelled images, documents and cells with VICReg."""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    cli()
