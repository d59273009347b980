"""``vicreg export``."""

from __future__ import annotations

from functools import partial
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
    """Write RUN for tools outside the suite: its trained encoder, or an index of its samples' vectors.

    RUN is the folder of a run; for an encoder the folder of a saved model will do.
    """
    from vicreg_core.files import atomic_path
    from vicreg_core.plugins.loading import load_target
    from vicreg_core.plugins.registry import load_registry
    from vicreg_core.pretrained import load
    from vicreg_core.vectors.indexes import FORMATS

    model = load(run)
    encoder = model.manifest.encoder.name
    formats = formats_of(encoder, load_registry())
    if form is None:
        _list(encoder, formats)
        return
    if form in FORMATS:
        summary = FORMATS[form].summary
        write = partial(_write_index, run, form)
    else:
        component = _choose(form, encoder, formats)
        form, summary = component.name.rpartition("/")[2], component.summary
        write = partial(load_target(component), model)
    folder = out or run / "export" / form
    if folder.exists() and not overwrite:
        raise RunError(f"{folder} exists; replace it with --overwrite, or give another --out")
    with atomic_path(folder) as temporary:
        write(temporary)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20
    click.echo(f"{folder} ({summary}; {size:.1f} MiB)")


def _write_index(run: Path, form: str, folder: Path) -> None:
    from vicreg_core.vectors.indexes import require_library, write_index
    from vicreg_core.vectors.of_run import embed_run

    require_library(form)
    table = embed_run(run, samples=False, projected=False, say=lambda line: click.echo(line, err=True))
    folder.mkdir()
    write_index(form, table, folder)


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
    from vicreg_core.vectors.indexes import FORMATS

    print_table(
        ["format", "of", "what"],
        [
            *([name, "the encoder", each.summary] for name, each in formats.items()),
            *([name, "the vectors", each.summary] for name, each in FORMATS.items()),
        ],
    )
    if not formats:
        click.echo(f"no installed plugin offers a format for the encoder {encoder}")


def _choose(form: str, encoder: str, formats: dict[str, Component]) -> Component:
    """The format of a full name, or of the part after the plugin's name where no two formats share it."""
    from vicreg_core.plugins.suggest import did_you_mean
    from vicreg_core.vectors.indexes import FORMATS

    found = [each for name, each in formats.items() if form in (name, name.rpartition("/")[2])]
    if len(found) == 1:
        if found[0].missing:
            raise PluginError(found[0].missing_extra())
        return found[0]
    if found:
        raise RunError(f"--format {form} is offered by {' and '.join(each.name for each in found)}; name one")
    offered = ", ".join([*formats, *FORMATS])
    hint = did_you_mean(form, [*formats, *(name.rpartition("/")[2] for name in formats), *FORMATS])
    raise RunError(f"the encoder {encoder} has no format {form!r}{hint} (there are: {offered})")
