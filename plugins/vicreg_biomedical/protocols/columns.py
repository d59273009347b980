"""Which cells a protocol looks at: training and test cells together, with their batch and control marks.

The batch (plate, patient, microscope) is the dataset's group; cells whose metadata column ``is_control`` is
true are the controls.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts import UNLABELLED
from vicreg_core.errors import RunError
from vicreg_core.evaluation.subjects.subject import Features, Subject

CONTROL_COLUMN = "is_control"


class Population(NamedTuple):
    """Labelled cells of several batches; arrays of length ``n``."""

    vectors: NDArray[np.float32]
    labels: NDArray[np.int64]
    batches: NDArray[Any]
    controls: NDArray[np.bool_] | None
    wells: NDArray[Any] | None


def population(subject: Subject, protocol: str) -> Population:
    """All labelled cells of a subject.

    Raises:
        RunError: where cells have no label or no group, or all are of one group.
    """
    parts = [part for part in (subject.train, subject.test) if part is not None]
    if any(part.labels is None or part.groups is None for part in parts):
        raise RunError(
            f"{protocol} needs a label and a group (plate, patient, microscope) of every cell; "
            f"name their columns with data.label and data.group"
        )
    batches = np.concatenate([np.asarray(part.groups) for part in parts])
    if len(np.unique(batches)) < 2:
        raise RunError(
            f"{protocol} compares groups, but all cells are of group {batches[0]}; check data.group"
        )
    controls, wells = _column(parts, CONTROL_COLUMN), _column(parts, "well")
    labels = np.concatenate([np.asarray(part.labels) for part in parts])
    known = labels != UNLABELLED
    return Population(
        np.concatenate([part.vectors for part in parts])[known],
        labels[known],
        batches[known],
        None if controls is None else controls.astype(bool)[known],
        None if wells is None else wells[known],
    )


def _column(parts: list[Features], name: str) -> NDArray[Any] | None:
    if any(name not in part.metadata for part in parts):
        return None
    return np.concatenate([np.asarray(part.metadata[name]) for part in parts])
