"""``vicreg doctor``."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where runs would go.",
)
@click.option(
    "--nproc", type=click.IntRange(min=1), default=1, show_default=True, help="Look at so many processes."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(out: Path, nproc: int, as_json: bool) -> None:
    """Say what of this machine, or under torchrun of all machines, would be in the way of a run."""
    from vicreg_core.models.precision import resolve_device
    from vicreg_core.training.processes import launch

    device_type = resolve_device("auto").type
    if launch.started_by_torchrun():
        with launch.process_group(device_type):
            show(out, as_json)
    elif nproc > 1:
        launch.spawn(show, (out, as_json), nproc, device_type)
    else:
        show(out, as_json)


def show(out: Path, as_json: bool) -> None:
    """Print what is found, from the first process; a process elsewhere prints what it alone would mend."""
    from vicreg_core.cli.output import print_table
    from vicreg_core.distributed import rank
    from vicreg_core.models.precision import resolve_device
    from vicreg_core.training.processes.doctor import examine
    from vicreg_core.training.processes.launch import local_device

    found = examine(local_device(resolve_device("auto")), out)
    if rank() > 0:
        for each in found:
            if each.mend:
                click.echo(f"process {rank()}: {each.what}: {each.mend}", err=True)
        return
    if as_json:
        click.echo(json.dumps([{**each._asdict(), "state": each.state} for each in found], indent=1))
        return
    print_table(["", "", "found"], [[each.state, each.what, each.found] for each in found])
    for each in found:
        if each.mend:
            click.echo(f"{each.what}: {each.mend}")
