"""Labels in a file of their own, joined onto samples by their id or path."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts import UNLABELLED, DatasetAdapter
from vicreg_core.data.labelled import class_order
from vicreg_core.data.relabelled import Relabelled
from vicreg_core.data.tables import Row, TableFileConfig, read_table
from vicreg_core.errors import DataError
from vicreg_core.plugins.suggest import did_you_mean

_KEYS = ("id", "path")
_NAMED = 5


@dataclass(frozen=True, slots=True)
class LabelFile:
    """The rows of a file that name a sample and its class.

    Attributes:
        path: of the file.
        column: ``"id"`` or ``"path"``.
        names: class by sample, in the order of the file.
        places: where each is, for messages.
        empty: places of the rows without a class.
        suggested: the samples were chosen, not drawn: the file is one of ``vicreg suggest``, filled in.
    """

    path: Path
    column: str
    names: Mapping[str, str]
    places: Mapping[str, str]
    empty: Sequence[str] = ()
    suggested: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in order: whole numbers by value, else by name."""
        return tuple(sorted(set(self.names.values()), key=class_order))


def read_label_file(path: Path, key: str = "data.labels") -> LabelFile:
    """Read a table (CSV, TSV, XLSX, JSONL, Parquet) with the columns ``label`` and ``id`` or ``path``.

    A row of which the label is empty names a sample that is not labelled; further columns are passed over.

    Args:
        path: of the file.
        key: what messages call it.

    Raises:
        DataError: it is no such table, a row names no sample, or a sample has two different labels.
    """
    if not path.exists():
        raise DataError(f"{key}: there is no file {path} (looked from {Path.cwd()})")
    names, places, empty = dict[str, str](), dict[str, str](), list[str]()
    column, suggested = "", False
    for row in _rows(path, key):
        if row.problem:
            raise DataError(f"{key}: {row.place}: {_with_remedy(row.problem)}")
        column = column or _key_column(row, key)
        suggested |= {"rank", "why"} <= set(row.values)
        sample, name = _text(row.values.get(column)), _text(row.values.get("label"))
        if not sample:
            raise DataError(f"{key}: {row.place} has no {column}; each row names a sample")
        if not name:
            empty.append(row.place)
            continue
        if names.setdefault(sample, name) != name:
            raise DataError(
                f"{key}: {row.place} gives {sample!r} the label {name!r}, and {places[sample]} gives it "
                f"{names[sample]!r}; keep one of the two"
            )
        places.setdefault(sample, row.place)
    if not names:
        raise DataError(f"{key}: no row of {path} has a label; it needs columns label and id (or path)")
    return LabelFile(path, column, names, places, tuple(empty), suggested)


def _rows(path: Path, key: str) -> Iterator[Row]:
    try:
        yield from read_table(path, TableFileConfig())
    except DataError as error:
        raise DataError(f"{key}: {_with_remedy(str(error))}") from error


def _with_remedy(problem: str) -> str:
    """A problem of a table for which the keys of ``data`` are no remedy: they are not of this file."""
    said, key, _ = problem.partition("; set data.")
    return f"{said}; save it as CSV in UTF-8" if key else problem


def join_labels(
    file: LabelFile, train: DatasetAdapter, test: DatasetAdapter | None, key: str = "data.labels"
) -> tuple[DatasetAdapter, DatasetAdapter | None]:
    """Both splits with the labels of a file instead of their own.

    Training samples that the file does not name are not labelled. Test samples that it does not name keep the
    label they have, where it is one of the file's classes or of the dataset's.

    Warns of rows without a sample, and of rows whose label is empty, by their places.

    Raises:
        DataError: no row names a sample, or a class is unknown to a dataset with labelled test samples.
    """
    keeps = test is not None and test.labels is not None
    classes = _classes(file, test if keeps else None, key)
    index = {name: place for place, name in enumerate(classes)}
    found, used = list[DatasetAdapter](), set[str]()
    for data, kept in ((train, False), (test, keeps)):
        if data is not None:
            labels = _own(data, classes) if kept else np.full(len(data), UNLABELLED)
            # Numbers of rows name samples of both splits; a file of labels means those of training.
            used |= _fill(labels, data, file, index, used)
            found.append(Relabelled(data, labels, classes))
    _tell(file, used, train, key)
    return found[0], found[1] if len(found) > 1 else None


def _key_column(row: Row, key: str) -> str:
    present = [column for column in _KEYS if column in row.values]
    if not present or "label" not in row.values:
        raise DataError(
            f"{key}: {row.place}: the columns are {', '.join(map(str, row.values)) or 'none'}; expected "
            "label and id (or path)"
        )
    return present[0]


def _text(cell: object) -> str:
    """A cell as text without blanks around it; whole floating-point numbers as integers."""
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip()


def _classes(file: LabelFile, test: DatasetAdapter | None, key: str) -> tuple[str, ...]:
    """Those of the dataset where it has labelled test samples, else those of the file."""
    if test is None:
        return file.classes
    for sample, name in file.names.items():
        if name not in test.classes:
            raise DataError(
                f"{key}: {file.places[sample]}: {name!r} is none of the {len(test.classes)} classes of the "
                f"test samples{did_you_mean(name, test.classes)}"
            )
    return tuple(test.classes)


def _own(data: DatasetAdapter, classes: Sequence[str]) -> NDArray[np.int64]:
    labels = np.full(len(data), UNLABELLED) if data.labels is None else data.labels.copy()
    return labels if list(classes) == list(data.classes) else np.full(len(data), UNLABELLED)


def _fill(
    labels: NDArray[np.int64],
    data: DatasetAdapter,
    file: LabelFile,
    index: Mapping[str, int],
    taken: set[str],
) -> set[str]:
    """Write the labels of the samples that a file names and that are not taken; returns the file's names."""
    rows = {str(name): row for row, name in enumerate(data.ids)}
    used = set[str]()
    for sample, name in file.names.items():
        if sample in taken:
            continue
        row = next((rows[each] for each in _spellings(sample, file.column) if each in rows), None)
        if row is not None:
            labels[row] = index[name]
            used.add(sample)
    return used


def _spellings(sample: str, column: str) -> Iterable[str]:
    """The id that a row may mean: itself; of a path also what is left without the folders in front."""
    yield sample
    if column == "path":
        parts = PurePath(sample.replace("\\", "/")).parts
        yield from ("/".join(parts[start:]) for start in range(len(parts)))


def _tell(file: LabelFile, used: set[str], train: DatasetAdapter, key: str) -> None:
    lost = [file.places[sample] for sample in file.names if sample not in used]
    if not used:
        first = next(iter(file.names))
        raise DataError(
            f"{key}: none of the {len(lost):,} rows of {file.path} names a sample: its first {file.column} "
            f"is {first!r}, the first id of the data is {str(train.ids[0])!r}"
        )
    for places, what in ((lost, "name no sample"), (list(file.empty), "have an empty label")):
        if places:
            shown = "; ".join(places[:_NAMED]) + ("; ..." if len(places) > _NAMED else "")
            warnings.warn(f"{key}: {len(places):,} row(s) {what} and are passed over: {shown}", stacklevel=3)
