"""The collapse monitor: rolling windows of representation and embedding, diagnosed at every logged step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vicreg_core.models.joint_embedding import ViewOutputs
from vicreg_core.training.collapse import Collapse, Observation, detect
from vicreg_core.training.diagnostics import SpaceDiagnostics, diagnose


class RollingWindow:
    """The latest ``size`` rows of a stream of ``(B, D)`` tensors, kept on their device in float32."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.rows: Tensor | None = None

    def push(self, rows: Tensor) -> None:
        """Append rows; only the last ``size`` stay."""
        new = rows.detach()[-self.size :].float()
        kept = self.size - new.shape[0]
        if self.rows is not None and kept > 0:
            new = torch.cat([self.rows[-kept:], new])
        self.rows = new


class CollapseMonitor:
    """Watches the first view's representations and embeddings of this process.

    Args:
        window: rows of each window.
        log_every: steps between diagnoses; only batches near one are collected.
        target_std: the spread the objective asks of each embedding dimension.
    """

    def __init__(self, window: int, log_every: int, target_std: float = 1.0) -> None:
        self.window, self.log_every, self.target_std = window, log_every, target_std
        self.spaces = {"representation": RollingWindow(window), "embedding": RollingWindow(window)}
        self.history: list[Observation] = []

    def observe(self, step: int, outputs: ViewOutputs) -> None:
        """Collect the batch of ``step`` (from 1) if its rows will be in the window when it is read."""
        rows = outputs.embeddings[0].shape[0]
        steps_to_read = -step % self.log_every
        if steps_to_read * rows < self.window:
            self.spaces["representation"].push(outputs.representations[0])
            self.spaces["embedding"].push(outputs.embeddings[0])

    def diagnose(self, step: int) -> dict[str, float]:
        """Diagnose the windows, remember the observation and return its figures for the log."""
        found: dict[str, SpaceDiagnostics] = {}
        for name, space in self.spaces.items():
            if space.rows is None or space.rows.shape[0] < 2:
                return {}
            found[name] = diagnose(space.rows)
        self.history.append(Observation(step, found["representation"], found["embedding"]))
        return {
            f"{name}_{field}": value
            for name, diagnostics in found.items()
            for field, value in diagnostics._asdict().items()
            if field != "rows"
        }

    def collapse(self) -> Collapse | None:
        """The collapse that the history up to now shows, if any."""
        rows = self.spaces["embedding"].rows
        return None if rows is None else detect(self.history, rows.shape[1], self.target_std)

    def state_dict(self) -> dict[str, Any]:
        """Windows and history, for the checkpoint."""
        return {
            "windows": {name: space.rows for name, space in self.spaces.items()},
            "history": [(o.step, tuple(o.representation), tuple(o.embedding)) for o in self.history],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore :meth:`state_dict`'s result."""
        for name, rows in state["windows"].items():
            self.spaces[name].rows = rows
        self.history = [
            Observation(step, SpaceDiagnostics(*r), SpaceDiagnostics(*e)) for step, r, e in state["history"]
        ]
