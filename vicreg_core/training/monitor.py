"""The collapse monitor: rolling windows of representation and embedding, diagnosed at every logged step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from vicreg_core.models.joint_embedding import ViewOutputs
from vicreg_core.objectives.base import Objective
from vicreg_core.training.collapse import Collapse, CollapseDetector
from vicreg_core.training.diagnostics import diagnose, std_histogram


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
        objective: says what spread it asks of each embedding dimension, whether the length of an embedding
            matters to it, and what to do about a collapse.
    """

    def __init__(self, window: int, log_every: int, objective: Objective) -> None:
        self.window, self.log_every, self.scale_free = window, log_every, objective.scale_free
        self.spaces = {"representation": RollingWindow(window), "embedding": RollingWindow(window)}
        self.detector = CollapseDetector(objective.target_std, objective.remedies)

    def observe(self, step: int, outputs: ViewOutputs) -> None:
        """Collect the batch of ``step`` (from 1) if its rows will be in the window when it is read."""
        rows = outputs.embeddings[0].shape[0]
        steps_to_read = -step % self.log_every
        if steps_to_read * rows < self.window:
            self.spaces["representation"].push(outputs.representations[0])
            embeddings = outputs.embeddings[0].detach()
            if self.scale_free:
                embeddings = functional.normalize(embeddings.float(), dim=1) * embeddings.shape[1] ** 0.5
            self.spaces["embedding"].push(embeddings)

    def diagnose(self, step: int) -> dict[str, float | list[int]]:
        """Diagnose the windows, remember what matters for a collapse and return the figures for the log."""
        figures: dict[str, float | list[int]] = {}
        for name, space in self.spaces.items():
            if space.rows is None or space.rows.shape[0] < 2:
                return {}
            found = diagnose(space.rows)
            if name == "embedding":
                self.detector.observe(step, found, space.rows.shape[1])
            figures |= {f"{name}_{field}": v for field, v in found._asdict().items() if field != "rows"}
            figures[f"{name}_std_histogram"] = std_histogram(space.rows)
        return figures

    def collapse(self) -> Collapse | None:
        """The collapse that the diagnoses up to now show, if any."""
        return self.detector.collapse()

    def state_dict(self) -> dict[str, Any]:
        """Windows and what the detector remembers, for the checkpoint."""
        windows = {name: space.rows for name, space in self.spaces.items()}
        return {"windows": windows, "detector": self.detector.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore :meth:`state_dict`'s result."""
        for name, rows in state["windows"].items():
            self.spaces[name].rows = rows
        self.detector.load_state_dict(state["detector"])
