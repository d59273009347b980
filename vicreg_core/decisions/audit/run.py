"""``vicreg audit``: all checks of a run's samples, kept as tables in ``RUN/audit``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.classifiers.knn import HEADLINE_K, knn_probabilities
from vicreg_core.classifiers.pool import Pool, at_unit_length
from vicreg_core.contracts import DatasetAdapter
from vicreg_core.decisions.audit import FOLDER, FORMAT, SUMMARY
from vicreg_core.decisions.audit.aligned import Aligned, gray_pictures
from vicreg_core.decisions.audit.groups import GroupLeak, group_leak
from vicreg_core.decisions.audit.labels import Disagreement, disagreements, overlaps
from vicreg_core.decisions.audit.neighbourhood import (
    MOST_EXACT,
    Duplicate,
    Space,
    near_duplicates,
    outliers,
    require_faiss,
)
from vicreg_core.decisions.audit.pictures import MOST, shown_samples
from vicreg_core.decisions.samples import RunSamples, Say, labels_of, open_samples
from vicreg_core.errors import DataError
from vicreg_core.evaluation.subjects.floors import floor_vectors
from vicreg_core.evaluation.subjects.subject import Subject
from vicreg_core.files import atomic_path, sealed
from vicreg_core.runs.lock import file_lock
from vicreg_core.vectors.files import VectorTable, write_vectors


@dataclass(frozen=True)
class Audit:
    """What was found; rows count the training samples first, then the test samples.

    Attributes:
        samples: names of all samples.
        duplicates: near-duplicates.
        doubts: labels that others speak against; empty without labels.
        overlaps: pairs of classes, with the share of neighbours.
        outliers: rows and how far off.
        leak: what groups give away; ``None`` without groups.
        scores: kNN accuracy with all test samples and without those of which a near-duplicate was trained on.
        folder: where the tables lie.
    """

    samples: Samples
    duplicates: list[Duplicate]
    doubts: list[Disagreement]
    overlaps: list[tuple[int, int, float]]
    outliers: list[tuple[int, float]]
    leak: GroupLeak | None
    scores: dict[str, float]
    folder: Path

    def across(self) -> list[Duplicate]:
        """Near-duplicates of which one was trained on and the other is a test sample."""
        train = self.samples.train
        return [pair for pair in self.duplicates if pair.first < train <= pair.second]


@dataclass(frozen=True)
class Samples:
    """The training samples, then the test samples.

    Attributes:
        ids: names.
        train: how many are training samples.
        labels: ``(n,) int64``, -1 where a sample has none.
        classes: names.
    """

    ids: list[str]
    train: int
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def split(self, row: int) -> str:
        """``"train"`` or ``"test"``."""
        return "train" if row < self.train else "test"

    def label(self, row: int) -> str:
        """The class of a sample; empty where it has none."""
        return self.classes[self.labels[row]] if self.labels[row] >= 0 else ""


def audit_run(
    run: Path, labels: Path | None = None, *, overrides: Sequence[str] = (), say: Say = lambda _: None
) -> Audit:
    """Check the samples of a run and keep what was found in ``RUN/audit``.

    Every sample is compared with every other; of more than 100,000, with those that faiss finds near.

    Args:
        run: folder of a finished run.
        labels: a table with the columns label and id (or path); ``None``: the labels of the recipe's data.
        overrides: ``key.path=value`` of the recipe.
        say: told what is being done.

    Raises:
        DataError: too few samples.
        PluginError: more than 100,000 samples, and faiss is not installed.
        VicregError: whatever else the user can act on.
    """
    opened = open_samples(run, labels, overrides=overrides, most=None, command=f"vicreg audit {run}", say=say)
    parts = [data for data in (opened.bench.train, opened.bench.test) if data is not None]
    total = sum(map(len, parts))
    if total < 3:
        raise DataError(f"an audit compares samples, three or more of them; there are {total}")
    if total > MOST_EXACT:
        require_faiss()
    say(f"encoding {total:,} samples")
    subject = opened.encoded()
    samples = _samples(parts)
    pool = _pool(opened, subject, samples)
    say("comparing every sample with every other")
    space = Space.of(pool.unit.cpu().numpy())
    near = space.near
    pictures = gray_pictures(opened, parts)
    known = len(np.unique(samples.labels[samples.labels >= 0])) > 1
    audit = Audit(
        samples=samples,
        duplicates=near_duplicates(
            [space, *_raw(parts)], None if pictures is None else Aligned.of(pictures, near)
        ),
        doubts=disagreements(pool, near) if known else [],
        overlaps=overlaps(pool, near) if known else [],
        outliers=outliers(near),
        leak=None if pool.groups is None else group_leak(pool.groups, samples.labels, pool.classes, near),
        scores={},
        folder=run / FOLDER,
    )
    audit = replace(audit, scores=_scores(subject, audit))
    with file_lock(audit.folder):
        _write(audit, opened.digest, _tiles(opened, parts, audit))
    return audit


def _samples(parts: Sequence[DatasetAdapter]) -> Samples:
    return Samples(
        ids=[str(name) for data in parts for name in data.ids],
        train=len(parts[0]),
        labels=np.concatenate([labels_of(data) for data in parts]),
        classes=tuple(map(str, parts[0].classes)),
    )


def _pool(opened: RunSamples, subject: Subject, samples: Samples) -> Pool:
    parts = [part for part in (subject.train, subject.test) if part is not None]
    grouped = [np.asarray(part.groups).astype(str) for part in parts if part.groups is not None]
    return Pool(
        vectors=np.concatenate([part.vectors for part in parts]),
        labels=samples.labels,
        classes=len(samples.classes),
        groups=np.concatenate(grouped) if len(grouped) == len(parts) else None,
        seed=opened.bench.seed,
        device=opened.bench.device,
    )


def _raw(parts: Sequence[DatasetAdapter]) -> Iterator[Space]:
    """The space of the raw features of all samples, where the modality has them."""
    raw = [floor_vectors(data, np.arange(len(data))) for data in parts]
    known = [vectors for vectors in raw if vectors is not None]
    if len(known) == len(parts):
        features = torch.from_numpy(np.concatenate(known))
        yield Space.of(at_unit_length(features, features.mean(dim=0)).numpy())


def _scores(subject: Subject, audit: Audit) -> dict[str, float]:
    """kNN accuracy on the test samples, and on those that are no near-duplicate of a training sample."""
    test = subject.test
    if test is None or test.labels is None or subject.train.labels is None:
        return {}
    train, held = subject.labelled()
    k = min(HEADLINE_K, len(train.labels))
    shares = knn_probabilities(
        train.vectors, train.labels, held.vectors, len(subject.classes), ks=(k,), device=subject.device
    )[k]
    right = shares.argmax(axis=1) == held.labels
    leaked = np.zeros(len(right), dtype=bool)
    leaked[[pair.second - audit.samples.train for pair in audit.across()]] = True
    scores = {"knn": float(right.mean()), "test": float(len(right)), "leaked": float(leaked.sum())}
    return scores | ({"knn_without": float(right[~leaked].mean())} if not leaked.all() else {})


def _tiles(
    opened: RunSamples, parts: Sequence[DatasetAdapter], audit: Audit
) -> dict[str, list[list[dict[str, Any]]]]:
    """The first findings of each kind as tiles, for the report."""
    pairs = (audit.across() or audit.duplicates)[:MOST]
    groups: dict[str, list[tuple[int, ...]]] = {
        "duplicates": [(pair.first, pair.second) for pair in pairs],
        "labels": [(each.row, each.neighbour) for each in audit.doubts[:MOST]],
        "outliers": [(row,) for row, _ in audit.outliers[:MOST]],
    }
    rows = [row for of in groups.values() for each in of for row in each]
    shown, of = shown_samples(opened, parts, rows), audit.samples

    def tile(row: int) -> dict[str, Any]:
        return {"id": of.ids[row], "split": of.split(row), "label": of.label(row), **shown.get(row, {})}

    return {name: [[tile(row) for row in each] for each in found] for name, found in groups.items()}


def _write(audit: Audit, model: str, tiles: Mapping[str, Any]) -> None:
    """The tables and a summary, whole or not at all."""
    of = audit.samples
    with atomic_path(audit.folder) as temporary:
        temporary.mkdir()
        for name, columns in _tables(audit):
            rows = len(next(iter(columns.values())))
            write_vectors(temporary / f"{name}.csv", VectorTable(columns, np.empty((rows, 0), np.float32)))
        summary = sealed(
            {
                "format": FORMAT,
                "model": model,
                "samples": len(audit.samples.ids),
                "duplicates": len(audit.duplicates),
                "across": len(audit.across()),
                "doubts": len(audit.doubts),
                "outliers": len(audit.outliers),
                "groups": None if audit.leak is None else asdict(audit.leak),
                "overlaps": [[of.classes[a], of.classes[b], share] for a, b, share in audit.overlaps],
                "scores": audit.scores,
                "shown": dict(tiles),
            }
        )
        (temporary / SUMMARY).write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def _tables(audit: Audit) -> Iterator[tuple[str, Mapping[str, Any]]]:
    of = audit.samples
    within = [pair for pair in audit.duplicates if of.split(pair.first) == of.split(pair.second)]
    pairs = [*audit.across(), *within]
    yield (
        "duplicates",
        {
            "id": [of.ids[pair.first] for pair in pairs],
            "split": [of.split(pair.first) for pair in pairs],
            "label": [of.label(pair.first) for pair in pairs],
            "other": [of.ids[pair.second] for pair in pairs],
            "other_split": [of.split(pair.second) for pair in pairs],
            "other_label": [of.label(pair.second) for pair in pairs],
            "similarity": [pair.similarity for pair in pairs],
        },
    )
    yield (
        "labels",
        {
            "id": [of.ids[each.row] for each in audit.doubts],
            "split": [of.split(each.row) for each in audit.doubts],
            "label": [of.classes[each.given] for each in audit.doubts],
            "expected": [of.classes[each.expected] for each in audit.doubts],
            "doubt": [each.doubt for each in audit.doubts],
            "like": [of.ids[each.neighbour] for each in audit.doubts],
        },
    )
    yield (
        "classes",
        {
            "label": [of.classes[a] for a, _, _ in audit.overlaps],
            "among": [of.classes[b] for _, b, _ in audit.overlaps],
            "share": [share for _, _, share in audit.overlaps],
        },
    )
    yield (
        "outliers",
        {
            "id": [of.ids[row] for row, _ in audit.outliers],
            "split": [of.split(row) for row, _ in audit.outliers],
            "label": [of.label(row) for row, _ in audit.outliers],
            "spreads": [spreads for _, spreads in audit.outliers],
        },
    )
