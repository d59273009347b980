"""``vicreg audit``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vicreg_core.decisions.audit.run import Audit

_SHOWN = 5


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--labels",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Table with columns id (or path) and label; default: the labels of the data.",
)
def audit(run: Path, overrides: tuple[str, ...], labels: Path | None) -> None:
    """Check the data and labels of RUN before a score is believed.

    Near-duplicates, within a split and across training and test, with the accuracy without them; labels that
    neighbours and a classifier speak against; classes that overlap; outliers; groups that tell the label. All
    is kept as CSV in RUN/audit.
    """
    from vicreg_core.decisions.audit.run import audit_run

    found = audit_run(run, labels, overrides=overrides, say=lambda line: click.echo(line, err=True))
    for line in _told(found):
        click.echo(line)
    click.echo(f"all of it in {found.folder}")


def _told(found: Audit) -> Iterator[str]:
    of, across = found.samples, found.across()
    yield f"{len(found.duplicates):,} pairs of near-duplicates, {len(across):,} across training and test"
    for pair in (across or found.duplicates)[:_SHOWN]:
        yield f"  {of.ids[pair.first]} ~ {of.ids[pair.second]} ({pair.similarity:.3f})"
    if "knn_without" in found.scores and across:
        scores = found.scores
        yield (
            f"  kNN accuracy {scores['knn']:.3f}, without the {int(scores['leaked']):,} test samples that "
            f"have one in training {scores['knn_without']:.3f}"
        )
    if (of.labels >= 0).any():
        first = ", the most doubtful first:" if found.doubts else ""
        yield f"{len(found.doubts):,} labels that others speak against{first}"
        for each in found.doubts[:_SHOWN]:
            yield (
                f"  {of.ids[each.row]}: {of.classes[each.given]}, expected {of.classes[each.expected]} "
                f"as {of.ids[each.neighbour]}"
            )
    for one, other, share in found.overlaps[:_SHOWN]:
        yield f"{share:.0%} of the neighbours of {of.classes[one]} are {of.classes[other]}"
    yield f"{len(found.outliers):,} outliers"
    yield from (f"  {of.ids[row]} ({spreads:.0f} deviations off)" for row, spreads in found.outliers[:_SHOWN])
    if (leak := found.leak) is not None:
        if leak.by_group is not None and leak.by_majority is not None:
            yield (
                f"the {leak.groups:,} groups tell the label of {leak.by_group:.1%}; the most common label "
                f"alone is right for {leak.by_majority:.1%}"
            )
        yield (
            f"the nearest sample is of the same group for {leak.same_group:.1%}, "
            f"by chance {leak.expected:.1%}"
        )
