"""The folder of a run: where each file lies, and when it may be written to."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from vicreg_core.errors import RunError
from vicreg_core.files import is_leftover, remove, remove_partials
from vicreg_core.runs.lock import NAME as LOCK
from vicreg_core.runs.reading import write_sealed

_OWN = (
    "environment.json",
    "train.log",
    "metrics.jsonl",
    "evaluation.json",
    "report.html",
    "report-data.json",
    "checkpoints",
    "classifier",
    "model",
    "audit",
    "cache",
    "recipe.yaml",
)
"""What a run writes, folders without a suffix.

By the last of them a folder is known as a run's, so it is also removed last.
"""


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Paths inside ``runs/<name>/``."""

    path: Path

    @property
    def recipe(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.yaml"

    @property
    def environment(self) -> Path:
        """Versions and hardware of the run."""
        return self.path / "environment.json"

    @property
    def log(self) -> Path:
        """What the run said."""
        return self.path / "train.log"

    @property
    def metrics(self) -> Path:
        """One JSON object a logged step."""
        return self.path / "metrics.jsonl"

    @property
    def evaluation(self) -> Path:
        """Scores beside their floors."""
        return self.path / "evaluation.json"

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """Folder of the exported encoder."""
        return self.path / "model"

    def make(self) -> None:
        """Make the folder.

        Raises:
            RunError: there is a file of that name, or the disk refuses.
        """
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"--out {self.path} is a file; give a folder")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"cannot make the run folder {self.path}: {error.strerror}") from error

    def check(self, *, resume: bool, overwrite: bool) -> None:
        """Refuse a folder that a run may not be written into; nothing is written.

        Raises:
            RunError: it holds something and neither flag is given, or it is not a run's.
        """
        present = self.path.is_dir() and any(
            not is_leftover(each.name) and not each.name.endswith(LOCK) for each in self.path.iterdir()
        )
        if present and not self.recipe.is_file():
            raise RunError(f"{self.path} holds files but no run (no recipe.yaml); give another --out")
        for name in _OWN if present else ():
            _check_kind(self.path / name)
        if present and not (resume or overwrite):
            raise RunError(
                f"{self.path} already holds a run; continue it with --resume, replace it with --overwrite, "
                "or give another --out"
            )

    def prepare(self, *, resume: bool, overwrite: bool) -> None:
        """Make the folder ready for a run; its lock must be held.

        Only files a run writes are ever removed by ``overwrite``: a folder that holds anything but a run
        is refused either way.

        Raises:
            RunError: if the folder holds something and neither flag is given, or it is not a run's.
        """
        self.check(resume=resume, overwrite=overwrite)
        if overwrite:
            self._clear()
        remove_partials(self.path)
        if self.checkpoints.is_dir():
            remove_partials(self.checkpoints)

    @property
    def has_started(self) -> bool:
        """Whether a step was logged or a checkpoint written."""
        return self.metrics.exists() or self.checkpoints.exists() or self.model.exists()

    def discard(self) -> None:
        """Remove what a run wrote, and the folder if nothing else is in it."""
        self._clear()
        for lock in self.path.glob(f"*{LOCK}"):
            remove(lock)
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def _clear(self) -> None:
        for name in (*(path.name for path in self.path.glob("damaged-*")), *_OWN):
            remove(self.path / name)

    def write_environment(self, facts: dict[str, Any]) -> None:
        """Record versions and hardware, with ``facts`` of the run (device, precision, processes)."""
        packages = {}
        for name in ("vicreg-suite", "torch", "numpy", "torchvision", "transformers", "monai", "datasets"):
            try:
                packages[name] = version(name)
            except PackageNotFoundError:
                continue
        environment = {
            "python": sys.version.split()[0],
            "platform": platform.platform(),
            "cpus": os.cpu_count(),
            "packages": packages,
            **facts,
        }
        write_sealed(self.environment, environment)


def _check_kind(path: Path) -> None:
    """Refuse a folder, a pipe or a link to nothing in place of a file, or a file in place of a folder.

    Raises:
        RunError: there is something of another kind.
    """
    is_there = path.exists() or path.is_symlink()
    if is_there and not (path.is_file() if path.suffix else path.is_dir()):
        raise RunError(f"{path} is not a {'file' if path.suffix else 'folder'}; remove it")
