"""The snapshot of a run's samples: plain values in one JSON file, so that a page needs no data, no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict, cast

from vicreg_core.runs.reading import read_sealed, write_sealed

FILE = "report-data.json"
FORMAT = 2


class Shown(TypedDict, total=False):
    """A sample for people: one of the two."""

    png: str
    """Base64 of a PNG file."""
    text: str


class Map(TypedDict):
    """A projection of the representations to the plane."""

    name: str
    note: str
    x: list[int]
    """``n`` positions from 0 to :data:`GRID`."""
    y: list[int]


GRID = 4095


class Neighbours(TypedDict):
    """The nearest others of one sample, nearest first."""

    item: int
    near: list[int]
    similarity: list[float]
    """Cosines."""


class Views(TypedDict):
    """One training sample: as it is evaluated, then its views of the first epoch."""

    id: str
    label: int | None
    shown: list[Shown]


class Space(TypedDict):
    """The spread of the representation."""

    dims: int
    rows: int
    effective_rank: float
    std_counts: list[int]
    std_edges: list[float]
    spectrum: list[float]
    """Eigenvalues of the covariance, largest first, as shares of their sum."""


class Snapshot(TypedDict):
    """What is kept of the evaluated samples; rows of all lists of length ``n`` belong together."""

    format: int
    model: str
    """Digest of the encoder."""
    split: str
    ids: list[str]
    labels: list[int] | None
    classes: list[str]
    groups: list[str] | None
    clusters: list[int]
    """k-means clusters, numbered from 1 in the order of their size."""
    maps: list[Map]
    shown: dict[str, Shown]
    """By row, for those there was room for."""
    neighbours: list[Neighbours]
    views: list[Views]
    space: Space


def write_snapshot(run: Path, snapshot: Snapshot) -> None:
    """Write the snapshot into a run folder."""
    write_sealed(run / FILE, snapshot, indent=None)


def read_snapshot(run: Path) -> Snapshot | None:
    """The snapshot of a run folder; ``None`` where there is none, or one of another format.

    Raises:
        DamagedFile: it is not what was written.
    """
    value = read_sealed(run / FILE)
    if value is None or value.get("format") != FORMAT:
        return None
    return cast(Snapshot, value)
