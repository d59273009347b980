"""``vicreg suggest``: which samples to label next, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.classifiers.fitted.choice import choose
from vicreg_core.classifiers.fitted.methods import FAMILIES, Ground, fit_rule
from vicreg_core.classifiers.pool import Pool
from vicreg_core.classifiers.typical import typical, unsure
from vicreg_core.contracts import UNLABELLED
from vicreg_core.decisions.samples import MOST_SAMPLES, Say, open_samples, pool_of, texts_of
from vicreg_core.errors import DataError, RunError
from vicreg_core.vectors.files import VectorTable, write_vectors

_LABELS_A_CLASS = 10
"""From so many labels of each class on a classifier knows enough to say what it is unsure of."""

_SHARE = 0.5


@dataclass(frozen=True)
class Suggestion:
    """A sample to label.

    Attributes:
        row: of the training samples.
        id: of the sample.
        why: ``"typical"`` or ``"unsure"``.
        guess: what a classifier of the labels so far would say; empty where there is none.
        text: the beginning of a text; empty for other samples.
    """

    row: int
    id: str
    why: str
    guess: str = ""
    text: str = ""


def suggest_run(
    run: Path,
    n: int,
    labels: Path | None = None,
    *,
    unsure_share: float | None = None,
    per_group: bool = False,
    overrides: Sequence[str] = (),
    seed: int | None = None,
    say: Say = lambda _: None,
) -> list[Suggestion]:
    """Suggest ``n`` samples of a run's training data to label, the most telling first.

    Without labels each is typical of another part of the data. With ten labels of each class some are those
    that a classifier of these labels is least sure of. What is labelled already is never suggested.

    Args:
        run: folder of a finished run.
        n: how many.
        labels: a table with the columns label and id (or path); ``None``: the labels of the recipe's data.
        unsure_share: of the suggestions that are those a classifier is unsure of; ``None``: half, once there
            are ten labels of each class, before that none.
        per_group: at most one sample of each group.
        overrides: ``key.path=value`` of the recipe.
        seed: of the clusters; ``None``: the recipe's.
        say: told what is being done.

    Raises:
        RunError: groups are asked for and there are none.
        DataError: every sample is labelled.
        VicregError: whatever else the user can act on.
    """
    opened = open_samples(
        run, labels, overrides=overrides, most=None, command=f"vicreg suggest {run}", say=say
    )
    data = opened.bench.train
    if per_group and data.groups is None:
        raise RunError("--per-group: the data has no groups; name their column in the recipe")
    say(f"encoding {len(data):,} samples")
    pool = pool_of(opened.encoded().train, opened.bench, balanced=False)
    if not (pool.labels == UNLABELLED).any():
        raise DataError(f"every one of the {len(data):,} samples is labelled already")
    shares = _shares_of(pool, say)
    share = _usual_share(pool) if unsure_share is None else unsure_share
    rows, typical_ones = _choose(
        pool, shares, n, share, opened.bench.seed if seed is None else seed, per_group=per_group
    )
    texts = texts_of(opened, data, rows)
    return [
        Suggestion(
            row=int(row),
            id=str(data.ids[row]),
            why="typical" if place < typical_ones else "unsure",
            guess="" if shares is None else str(data.classes[int(shares[row].argmax())]),
            text=texts[place],
        )
        for place, row in enumerate(rows)
    ]


def write_suggestions(path: Path, suggestions: Sequence[Suggestion]) -> None:
    """Write them as a CSV with an empty column ``label``: filled in, it is a file of labels.

    Raises:
        RunError: the disk refuses.
    """
    columns: dict[str, list[Any]] = {
        "id": [each.id for each in suggestions],
        "label": [""] * len(suggestions),
        "rank": list(range(1, len(suggestions) + 1)),
        "why": [each.why for each in suggestions],
    }
    for name in ("guess", "text"):
        if any(getattr(each, name) for each in suggestions):
            columns[name] = [getattr(each, name) for each in suggestions]
    write_vectors(path, VectorTable(columns, np.empty((len(suggestions), 0), np.float32)))


def _usual_share(pool: Pool) -> float:
    """Half, once there are ten labels of each class that has any; before that none."""
    counts = np.bincount(pool.labels[pool.rows()], minlength=1)
    return _SHARE if (counts[counts > 0] >= _LABELS_A_CLASS).all() and (counts > 0).sum() > 1 else 0.0


def _shares_of(pool: Pool, say: Say) -> NDArray[np.float32] | None:
    """``(n, K)`` class shares of all samples by the labels so far; ``None`` with labels of one class."""
    if len(np.unique(pool.labels[pool.rows()])) < 2:
        return None
    ground = Ground(pool)
    methods = FAMILIES["auto"] if len(pool.labels) <= MOST_SAMPLES else ("prototype", "linear-unit")
    choice = choose(ground, methods, say)
    return choice.calibration(fit_rule(ground, choice.method).shares(pool.vectors))


def _choose(
    pool: Pool,
    shares: NDArray[np.float32] | None,
    n: int,
    share: float,
    seed: int,
    *,
    per_group: bool,
) -> tuple[NDArray[np.int64], int]:
    """Rows to label, the typical ones first, and how many these are."""
    unit, allowed = pool.unit.cpu().numpy(), pool.labels == UNLABELLED
    groups = np.unique(np.asarray(pool.groups).astype(str), return_inverse=True)[1] if per_group else None
    wanted = 0 if shares is None else round(n * share)
    first = typical(unit, n - wanted, pool.rows(), allowed, seed, groups)
    allowed[first] = False
    if groups is not None:
        allowed &= ~np.isin(groups, groups[first])
    others = np.empty(0, np.int64) if shares is None else unsure(shares, unit, wanted, allowed, seed, groups)
    return np.concatenate([first, others]), len(first)
