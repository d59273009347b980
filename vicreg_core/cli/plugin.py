"""``vicreg plugin``: which plugins there are, what is wrong with one, and a new one."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from vicreg_core.cli.output import print_json, print_table
from vicreg_core.errors import PluginError
from vicreg_core.plugins.component import SPEC_OF
from vicreg_core.plugins.registry import Registry, load_registry
from vicreg_core.plugins.status import PluginStatus
from vicreg_core.plugins.suggest import did_you_mean


@click.group()
def plugin() -> None:
    """List and check plugins, and start a new one."""


@plugin.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_plugins(as_json: bool) -> None:
    """List the installed plugins, what they bring and what is wrong with them."""
    statuses = load_registry().statuses
    if as_json:
        print_json([status.as_json() for status in statuses])
        return
    columns = ["plugin", "distribution", "status", *(f"{kind}s" for kind in SPEC_OF)]
    print_table(columns, [_row(status) for status in statuses])
    remarks = [remark for status in statuses for remark in _remarks(status)]
    if remarks:
        click.echo("\n" + "\n".join(remarks))


@plugin.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(name: str, as_json: bool) -> None:
    """Check the plugin NAME in depth: import all it names, read its recipes.

    The exit code is 2 if anything is wrong.
    """
    from vicreg_core.authoring.check import check_plugin

    registry = load_registry()
    status = _find(name, registry)
    findings = check_plugin(status, registry)
    failed = [finding for finding in findings if finding.problem]
    if as_json:
        print_json({**status.as_json(), "ok": not failed, "findings": [each.as_json() for each in findings]})
    else:
        for finding in findings:
            click.echo(f"{'FAIL' if finding.problem else 'ok':<5} {finding.subject}")
            if finding.problem:
                click.echo(textwrap.indent(finding.problem, " " * 6))
    if failed:
        causes = [finding.cause for finding in failed if finding.cause]
        error = PluginError(f"plugin {name!r} failed {len(failed)} of {len(findings)} checks")
        raise error from (BaseExceptionGroup("what was raised", causes) if causes else None)


@plugin.command()
@click.argument("name")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), help="Folder to make; default vicreg-NAME here."
)
def new(name: str, folder: Path | None) -> None:
    """Write the distribution of a new plugin NAME: a modality that works, to put yours in its place.

    NAME becomes the namespace of its components, as in NAME/quickstart.
    """
    from vicreg_core.authoring.scaffold import new_plugin

    made = new_plugin(name, folder, load_registry())
    click.echo(f"wrote {made}: a plugin that trains on a table of numbers. Go on with:")
    click.echo(f"  cd {shlex.quote(str(made))}")
    click.echo("  pip install --editable .")
    click.echo(f"  vicreg plugin check {name}")
    click.echo("  python -m pytest")
    click.echo(f"  vicreg train {name}/quickstart")


def _find(name: str, registry: Registry) -> PluginStatus:
    if status := registry.status_of(name):
        return status
    names = [status.name for status in registry.statuses]
    raise PluginError(
        f"no plugin {name!r} is installed{did_you_mean(name, names)} (installed: {', '.join(names)})"
    )


def _row(status: PluginStatus) -> list[str]:
    counts = [sum(component.kind == kind for component in status.components) for kind in SPEC_OF]
    distribution = f"{status.distribution} {status.version}"
    return [status.name, distribution, status.state.value, *(str(count or "") for count in counts)]


def _remarks(status: PluginStatus) -> Iterator[str]:
    if status.missing:
        yield f"{status.name}: lacks {', '.join(status.missing)}: {' and '.join(status.install)}"
    if status.error:
        yield f"{status.name}: {status.error}"
    for note in status.notes:
        yield f"{status.name}: {note}"
