"""Which sample is shown next, what is known of it, and how far the labels have come."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vicreg_core.classifiers.fitted.choice import choose
from vicreg_core.classifiers.fitted.methods import Ground
from vicreg_core.classifiers.pool import Pool
from vicreg_core.classifiers.typical import typical
from vicreg_core.contracts import UNLABELLED
from vicreg_core.data.png import png_text, reduced
from vicreg_core.decisions.labelling.answers import AnswerFile
from vicreg_core.decisions.samples import RunSamples, open_samples, pool_of, without_labels

_SIDE = 640
_METHODS = ("propagation", "prototype")
"""Those that are quick enough to be asked after every answer."""


@dataclass(frozen=True)
class Progress:
    """What a classifier of so many labels is expected to reach."""

    labels: int
    value: float
    low: float
    high: float


class LabelSession:
    """Shows the samples of a run, the most telling first, and keeps what is answered.

    Args:
        opened: the samples.
        answers: the file of labels.
        classes: names to offer from the start.
        n: how many samples to suggest at a time.

    Attributes:
        lock: held by whoever answers and then looks at the state.
    """

    def __init__(
        self, opened: RunSamples, answers: AnswerFile, classes: Sequence[str] = (), n: int = 100
    ) -> None:
        self.opened, self.answers, self.n = opened, answers, n
        data = opened.bench.train
        self.ids = [str(name) for name in data.ids]
        self._rows = {name: row for row, name in enumerate(self.ids)}
        self.pool: Pool = without_labels(pool_of(opened.encoded().train, opened.bench, balanced=False))
        self.ground = Ground(self.pool)
        self._offered = list(dict.fromkeys([*classes, *map(str, data.classes)]))
        self.skipped: list[str] = []
        self.queue: list[str] = []
        self.progress: list[Progress] = []
        self.lock, self._estimating = threading.Lock(), threading.Lock()

    def state(self) -> dict[str, Any]:
        """What the page shows: JSON values."""
        labels = self.answers.labels()
        sample = self._next(labels)
        counts = Counter(label for name, label in labels.items() if name in self._rows)
        names = dict.fromkeys([*self._offered, *labels.values()])
        shown = {} if sample is None else self._shown(sample)
        return {
            "id": sample,
            **shown,
            "classes": [{"name": name, "count": counts.get(name, 0)} for name in names],
            "labelled": sum(counts.values()),
            "samples": len(self.ids),
            "can_undo": bool(self.answers.given),
            "file": str(self.answers.path),
            "progress": [vars(each) for each in self.progress],
        }

    def answer(self, sample: str, label: str) -> None:
        """Keep an answer.

        Raises:
            KeyError: there is no such sample.
            VicregError: as :meth:`AnswerFile.answer`.
        """
        self._rows[sample]
        self.answers.answer(sample, label)

    def skip(self, sample: str) -> None:
        """Leave a sample out for this time.

        Raises:
            KeyError: there is no such sample.
        """
        self._rows[sample]
        self.skipped.append(sample)

    def undo(self) -> None:
        """Take the last answer back and show its sample again."""
        if (sample := self.answers.undo()) is not None:
            self.queue.insert(0, sample)

    def estimate(self) -> None:
        """Add to :attr:`progress` what the labels so far are expected to come to, where that can be said."""
        with self._estimating:
            labels = self.answers.labels()
            pool = self._pool_with(labels)
            known = len(pool.rows())
            if known < 4 or pool.classes < 2 or (self.progress and self.progress[-1].labels == known):
                return
            found = choose(self.ground.with_labels(pool), _METHODS).estimate
            if found is not None:
                self.progress = [each for each in self.progress if each.labels < known]
                self.progress.append(Progress(known, found.value, *found.interval))

    def _pool_with(self, labels: dict[str, str]) -> Pool:
        names = sorted({label for name, label in labels.items() if name in self._rows})
        index = {name: place for place, name in enumerate(names)}
        known = np.full(len(self.ids), UNLABELLED)
        for name, label in labels.items():
            if name in self._rows:
                known[self._rows[name]] = index[label]
        return replace(self.pool, labels=known, classes=len(names))

    def _next(self, labels: dict[str, str]) -> str | None:
        """The first of the queue that is not labelled; a new queue where none is left."""
        done = set(labels) | set(self.skipped)
        self.queue = [name for name in self.queue if name not in done]
        if not self.queue:
            allowed = np.array([name not in done for name in self.ids], dtype=bool)
            known = np.array([self._rows[name] for name in labels if name in self._rows], dtype=np.int64)
            unit = self.pool.unit.cpu().numpy()
            n = min(self.n, int(allowed.sum()))
            self.queue = [self.ids[row] for row in typical(unit, n, known, allowed, self.pool.seed)]
        return self.queue[0] if self.queue else None

    def _shown(self, sample: str) -> dict[str, Any]:
        row = np.array([self._rows[sample]])
        for one in self.opened.seen(self.opened.bench.train, row):
            return {"text": one} if isinstance(one, str) else {"png": png_text(reduced(one, _SIDE))}
        return {}


def open_session(
    run: Path, labels: Path, classes: Sequence[str], n: int, overrides: Sequence[str], say: Any
) -> LabelSession:
    """A session on a run's training samples.

    Raises:
        VicregError: no model, data or labels that cannot be read.
    """
    answers = AnswerFile(labels)
    answers.labels()
    opened = open_samples(run, None, overrides=overrides, command=f"vicreg label {run}", say=say)
    say(f"encoding {len(opened.bench.train):,} samples")
    return LabelSession(opened, answers, classes, n)
