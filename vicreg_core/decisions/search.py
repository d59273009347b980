"""``vicreg search``: the samples of a run that are nearest to one of them, or to something new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vicreg_core.classifiers.neighbours import nearest
from vicreg_core.contracts import DatasetAdapter
from vicreg_core.decisions.samples import RunSamples, Say, open_samples, texts_of
from vicreg_core.errors import RunError, VicregError


@dataclass(frozen=True)
class Hit:
    """A sample that was found.

    Attributes:
        id: of the sample.
        split: ``"train"`` or ``"test"``.
        similarity: its cosine with the query, of centred vectors.
        label: its class; empty where it has none.
        text: the beginning of a text; empty for other samples.
    """

    id: str
    split: str
    similarity: float
    label: str
    text: str = ""


def search_run(
    run: Path, query: str, k: int = 10, *, overrides: Sequence[str] = (), say: Say = lambda _: None
) -> list[Hit]:
    """The ``k`` samples of a run that are nearest to a query, nearest first.

    Args:
        run: folder of a finished run.
        query: the id of a sample, which is then not found itself; else what the modality takes as a sample:
            the path of a file, or a text.
        k: how many.
        overrides: ``key.path=value`` of the recipe.
        say: told what is being done.

    Raises:
        RunError: the query is neither an id nor a sample.
        VicregError: whatever else the user can act on.
    """
    opened = open_samples(run, None, overrides=overrides, most=None, command=f"vicreg search {run}", say=say)
    bench = opened.bench
    parts = [
        (name, data) for name, data in (("train", bench.train), ("test", bench.test)) if data is not None
    ]
    own = _row_of(query, [data for _, data in parts])
    new = None if own is not None else _encoded(opened, query)
    say(f"encoding {sum(len(data) for _, data in parts):,} samples")
    subject = opened.encoded()
    features = [part for part in (subject.train, subject.test) if part is not None]
    gallery = np.concatenate([part.vectors for part in features])
    mean = features[0].vectors.mean(axis=0)
    vector = gallery[own] if new is None else new
    found = nearest((vector - mean)[None], gallery - mean, min(k + 1, len(gallery)))
    rows, similarity = found.row[0].numpy(), found.similarity[0].numpy()
    others = rows != own if own is not None else np.ones(len(rows), dtype=bool)
    return list(_hits(opened, parts, rows[others][:k], similarity[others][:k]))


def _row_of(query: str, parts: Sequence[DatasetAdapter]) -> int | None:
    """The place of the sample with this id among all parts."""
    start = 0
    for part in parts:
        for row, name in enumerate(part.ids):
            if str(name) == query:
                return start + row
        start += len(part.ids)
    return None


def _encoded(opened: RunSamples, query: str) -> NDArray[np.float32]:
    try:
        vector: NDArray[np.float32] = opened.model.encode([query], device=opened.bench.device)[0]
    except (VicregError, TypeError, ValueError) as error:
        raise RunError(
            f"{query!r} is the id of no sample, and cannot be read as one: {error}; give the id of a sample, "
            "the path of a file or a text"
        ) from error
    return vector


def _hits(
    opened: RunSamples,
    parts: Sequence[tuple[str, DatasetAdapter]],
    rows: NDArray[np.int64],
    similarity: NDArray[np.float32],
) -> Iterator[Hit]:
    starts = np.cumsum([0, *(len(data) for _, data in parts)])
    for row, close in zip(rows.tolist(), similarity.tolist(), strict=True):
        part = int(np.searchsorted(starts, row, side="right")) - 1
        split, data = parts[part]
        place = row - int(starts[part])
        label = -1 if data.labels is None else int(data.labels[place])
        name = str(data.classes[label]) if label >= 0 else ""
        text = texts_of(opened, data, np.array([place]))[0]
        yield Hit(str(data.ids[place]), split, close, name, text)
