"""What a run tells its user: a progress bar on a terminal, plain lines in a pipe, and ``train.log``."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_PLAIN_INTERVAL = 2.0
"""Seconds between plain progress lines, so that a short log interval does not flood a pipe."""


class Progress:
    """Reports to stderr and to a log file; with ``log=None`` (ranks other than the first) it is silent.

    Args:
        log: the run's ``train.log``, appended to.
    """

    def __init__(self, log: Path | None) -> None:
        self.log = log
        self._bar: Any = None
        self._task: Any = None
        self._mark = (time.perf_counter(), 0)
        self._waited = 0.0
        self.waiting = 0.0
        """Share of the time up to the last :meth:`rate` that passed in :meth:`watched`."""
        self._printed = 0.0
        self._warned: set[str] = set()
        self._probe = ""

    def say(self, message: str) -> None:
        """One message to the user and the log."""
        self.record(message)
        if self.log is not None:
            if self._bar is not None:
                self._bar.console.print(message, markup=False, highlight=False)
            else:
                print(message, file=sys.stderr, flush=True)

    def warn_once(self, key: str, message: str) -> None:
        """A warning that is said only the first time its ``key`` comes up."""
        if key not in self._warned:
            self._warned.add(key)
            self.say(f"warning: {message}")

    def rate(self, step: int, batch_size: int) -> float | None:
        """Samples a second since the last call, over all processes; ``None`` at a step seen before."""
        now, (then, since) = time.perf_counter(), self._mark
        self._mark = (now, step)
        if step > since:
            self.waiting = round(self._waited / (now - then), 4)
        self._waited = 0.0
        return round((step - since) * batch_size / (now - then), 1) if step > since else None

    def watched(self, batches: Iterator[T]) -> Iterator[T]:
        """The same batches, the time until each is there counted: read, moved, and its views made."""
        while True:
            start = time.perf_counter()
            batch = next(batches, None)
            self._waited += time.perf_counter() - start
            if batch is None:
                return
            yield batch

    @contextlib.contextmanager
    def training(self, start: int, total: int) -> Iterator[None]:
        """Around the training loop: shows the bar on a terminal."""
        self._total = total
        self._mark = (time.perf_counter(), start)
        if self.log is None or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (
            "[progress.description]{task.description}",
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
        )
        with Bar(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as self._bar:
            self._task = self._bar.add_task("training", total=total, completed=start)
            try:
                yield
            finally:
                self._bar = None

    def logged(self, step: int, record: Mapping[str, Any], rate: float | None) -> None:
        """A logged step: moves the bar, or prints a line now and then."""
        parts = [f"loss {record['loss']:.4f}"]
        if "embedding_std_median" in record:
            parts.append(f"std {record['embedding_std_median']:.3f}")
            parts.append(f"rank {record['embedding_effective_rank']:.1f}")
        if "probe_knn" in record:
            self._probe = f"kNN {record['probe_knn']:.3f}"
        if self._probe:
            parts.append(self._probe)
        if rate is not None:
            parts.append(f"{rate:,.0f}/s")
        line = "  ".join(parts)
        self.record(f"step {step}/{self._total}  epoch {record['epoch']:.2f}  {line}")
        if self._bar is not None:
            self._bar.update(self._task, completed=step, description=line)
        elif self.log is not None and (
            time.perf_counter() - self._printed > _PLAIN_INTERVAL or step == self._total
        ):
            self._printed = time.perf_counter()
            print(f"step {step:>6}/{self._total}  {line}", file=sys.stderr, flush=True)

    def record(self, message: str) -> None:
        """One message to the log alone."""
        if self.log is not None:
            stamp = datetime.now().astimezone().isoformat(timespec="seconds")
            with self.log.open("a", encoding="utf-8") as stream:
                stream.write(f"{stamp}  {message}\n")
