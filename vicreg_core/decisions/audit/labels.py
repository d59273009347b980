"""Labels that disagree with what lies around them, and classes that overlap."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vicreg_core.classifiers.affine import fit_linear
from vicreg_core.classifiers.fitted.calibration import Calibration
from vicreg_core.classifiers.fitted.methods import out_of_fold
from vicreg_core.classifiers.folds import assign_folds, most_folds
from vicreg_core.classifiers.knn import TEMPERATURE
from vicreg_core.classifiers.neighbours import Neighbours
from vicreg_core.classifiers.pool import Pool
from vicreg_core.contracts import UNLABELLED

_FOLDS = 5
_LEAST = 1e-6
OVERLAP = 0.1
"""Share of a class's neighbours that are of another class from which on the two are said to overlap."""


@dataclass(frozen=True)
class Disagreement:
    """A label that others speak against.

    Attributes:
        row: of the sample.
        given, expected: class indices.
        doubt: natural logarithm of how much likelier the expected class is.
        neighbour: row of the nearest sample of the expected class.
    """

    row: int
    given: int
    expected: int
    doubt: float
    neighbour: int


def disagreements(pool: Pool, near: Neighbours) -> list[Disagreement]:
    """Labelled samples of which neighbours and a classifier expect another class, the most doubtful first.

    Both are asked without the sample's own label: the votes of its nearest labelled samples, and logistic
    regression from folds that lack it (Northcutt et al., "Confident learning", arXiv:1911.00068, ranks by
    such probabilities too). Their mean is compared with the label.

    Args:
        pool: the samples; those without a label say nothing.
        near: of each sample the nearest others, itself left out.
    """
    rows = pool.rows()
    labels = pool.labels[rows]
    shares = (_votes(pool, near)[rows] + _out_of_fold(pool, rows, labels)) / 2
    expected = shares.argmax(axis=1)
    given = shares[np.arange(len(rows)), labels]
    doubt = np.log(np.maximum(shares.max(axis=1), _LEAST) / np.maximum(given, _LEAST))
    order = np.argsort(-doubt, kind="stable")
    return [
        Disagreement(
            int(rows[place]),
            int(labels[place]),
            int(expected[place]),
            float(doubt[place]),
            _nearest_of(pool, near, int(rows[place]), int(expected[place])),
        )
        for place in order.tolist()
        if expected[place] != labels[place]
    ]


def overlaps(pool: Pool, near: Neighbours) -> list[tuple[int, int, float]]:
    """Pairs of classes ``(of, among, share)``: how many neighbours of a class are of another, most first."""
    rows = pool.rows()
    found = pool.labels[near.row.numpy()[rows]]
    table = np.zeros((pool.classes, pool.classes))
    known = found != UNLABELLED
    np.add.at(table, (np.broadcast_to(pool.labels[rows][:, None], found.shape)[known], found[known]), 1.0)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
    np.fill_diagonal(shares, 0.0)
    pairs = [
        (int(a), int(b), float(shares[a, b])) for a, b in zip(*np.nonzero(shares >= OVERLAP), strict=True)
    ]
    return sorted(pairs, key=lambda pair: -pair[2])


def _votes(pool: Pool, near: Neighbours) -> NDArray[np.float32]:
    """``(n, K)``: the weighted votes of the labelled among the neighbours; equal where there are none."""
    row, similarity = near.row.numpy(), near.similarity.numpy()
    weight = np.exp((similarity - similarity[:, :1]) / TEMPERATURE)
    label = pool.labels[row]
    weight[label == UNLABELLED] = 0.0
    votes = np.full((len(row), pool.classes), 1e-3, np.float32)
    samples = np.broadcast_to(np.arange(len(row))[:, None], row.shape)
    np.add.at(votes, (samples, np.maximum(label, 0)), weight)
    shares: NDArray[np.float32] = votes / votes.sum(axis=1, keepdims=True)
    return shares


def _out_of_fold(pool: Pool, rows: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.float32]:
    groups = pool.groups_of(rows)
    folds = most_folds(labels, groups, _FOLDS)
    if folds < 2:
        return np.full((len(rows), pool.classes), 1.0 / pool.classes, np.float32)
    fold = assign_folds(labels, groups, folds, pool.seed)
    shares = out_of_fold(pool, rows, fold, functools.partial(fit_linear, pool, unit=False), fewest=2)
    uniform = [1.0 / pool.classes] * pool.classes
    return Calibration.fit(shares, labels, uniform)(shares)


def _nearest_of(pool: Pool, near: Neighbours, row: int, wanted: int) -> int:
    """The nearest sample of a class: among the neighbours, else among all."""
    for other in near.row[row].tolist():
        if pool.labels[other] == wanted:
            return int(other)
    members = np.flatnonzero(pool.labels == wanted)
    unit = pool.unit
    return int(members[int((unit[members] @ unit[row]).argmax())])
