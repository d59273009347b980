"""``vicreg export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vicreg_core.errors import PluginError, RunError

if TYPE_CHECKING:
    from vicreg_core.plugins.component import Component
    from vicreg_core.plugins.registry import Registry


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--format", "form", help="Name of the format; without it, the formats that RUN's encoder has.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write; default RUN/export/FORMAT.",
)
@click.option("--overwrite", is_flag=True, help="Replace the folder.")
def export(run: Path, form: str | None, out: Path | None, overwrite: bool) -> None:
    """Write the trained encoder of RUN in a format that tools outside the suite open.

    RUN is the folder of a run, or of a saved model.
    """
    from vicreg_core.files import atomic_path
    from vicreg_core.plugins.loading import load_target
    from vicreg_core.plugins.registry import load_registry
    from vicreg_core.pretrained import load

    model = load(run)
    encoder = model.manifest.encoder.name
    formats = formats_of(encoder, load_registry())
    if form is None:
        _list(encoder, formats)
        return
    component = _choose(form, encoder, formats)
    write = load_target(component)
    folder = out or run / "export" / component.name.rpartition("/")[2]
    if folder.exists() and not overwrite:
        raise RunError(f"{folder} exists; replace it with --overwrite, or give another --out")
    with atomic_path(folder) as temporary:
        write(model, temporary)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20
    click.echo(f"{folder} ({component.summary}; {size:.1f} MiB)")


def formats_of(encoder: str, registry: Registry) -> dict[str, Component]:
    """The formats that take an encoder, by full name."""
    from vicreg_core.plugins.specs import ExportSpec

    return {
        name: component
        for name, component in sorted(registry.specs("export").items())
        if isinstance(component.spec, ExportSpec) and encoder in component.spec.encoders
    }


def _list(encoder: str, formats: dict[str, Component]) -> None:
    from vicreg_core.cli.output import print_table

    if formats:
        print_table(["format", "what"], [[name, each.summary] for name, each in formats.items()])
    else:
        click.echo(f"no installed plugin offers a format for the encoder {encoder}")


def _choose(form: str, encoder: str, formats: dict[str, Component]) -> Component:
    """The format of a full name, or of the part after the plugin's name where no two formats share it."""
    from vicreg_core.plugins.suggest import did_you_mean

    found = [each for name, each in formats.items() if form in (name, name.rpartition("/")[2])]
    if len(found) == 1:
        if found[0].missing:
            raise PluginError(found[0].missing_extra())
        return found[0]
    if found:
        raise RunError(f"--format {form} is offered by {' and '.join(each.name for each in found)}; name one")
    offered = ", ".join(formats) or "none"
    hint = did_you_mean(form, [*formats, *(name.rpartition("/")[2] for name in formats)])
    raise RunError(f"the encoder {encoder} has no format {form!r}{hint} (there are: {offered})")
