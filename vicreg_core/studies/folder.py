"""The folder of a study: what it is of, and a folder for each of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vicreg_core.errors import RunError
from vicreg_core.files import atomic_path
from vicreg_core.runs.reading import read_sealed, write_sealed
from vicreg_core.studies.design import Cell, Design

_FILE = "study.json"
_FORMAT = 1


def claimed(path: Path, file: str, what: str) -> dict[str, Any] | None:
    """What a folder's sealed ``file`` holds; a folder that is new or empty is made, and holds ``None``.

    Raises:
        RunError: it holds something else; ``what`` says so.
    """
    known = read_sealed(path / file) if path.is_dir() else None
    if known is None:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunError(f"{path} {what}; name another --out, or remove it")
        path.mkdir(parents=True, exist_ok=True)
    return known


def write_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Rows of the same columns as a Parquet file.

    Raises:
        RunError: when the disk refuses.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_pylist(rows), temporary)


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """Where a study lies.

    Attributes:
        path: of the folder.
    """

    path: Path

    @property
    def table(self) -> Path:
        """One row a run and score."""
        return self.path / "study.parquet"

    @property
    def page(self) -> Path:
        """All of it on one page."""
        return self.path / "study.html"

    def run(self, cell: Cell) -> Path:
        """The folder of one run."""
        return self.path / "runs" / cell.name

    def failure(self, cell: Cell) -> Path:
        """Says, sealed, that a run ended in NaN or was stopped by a collapse, and how."""
        return self.run(cell) / "failed.json"

    def paces(self) -> dict[str, int]:
        """The steps of each method, as measured when the study began; empty where none were."""
        known = read_sealed(self.path / _FILE) if self.path.is_dir() else None
        return dict((known or {}).get("steps") or {})

    def prepare(self, design: Design) -> None:
        """Make the folder of a new study, or go on with the same recipe's.

        Methods, settings and seeds may be added to a study; its recipe stays.

        Args:
            design: of the study.

        Raises:
            RunError: it holds something else, or a study of another recipe.
        """
        mark = design.mark()
        known = claimed(self.path, _FILE, "is no study")
        if known is not None and known.get("recipe_mark") != mark:
            raise RunError(
                f"{self.path} is a study of another recipe ({known.get('recipe')}; fingerprint "
                f"{str(known.get('recipe_mark'))[:12]}, this one is {mark[:12]}); go on with the same recipe "
                "and overrides, or name another --out"
            )
        write_sealed(
            self.path / _FILE,
            {
                "format": _FORMAT,
                "recipe": design.recipe,
                "overrides": list(design.overrides),
                "recipe_mark": mark,
                "methods": list(design.methods),
                "settings": [list(each) for each in design.settings],
                "seeds": design.seeds,
                "steps": dict(design.steps),
            },
        )
