"""Why a run ends before its time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from vicreg_core.errors import TrainingFailed, TrainingPruned
from vicreg_core.models.joint_embedding import ViewOutputs
from vicreg_core.runs.checkpoints import newest_good
from vicreg_core.training.collapse import Collapse

Watch: TypeAlias = Callable[[Mapping[str, Any]], str | None]
"""Looks at a logged record of a run, and gives a reason where the run should end."""


class Ended(NamedTuple):
    """A run's early end."""

    kind: type[TrainingFailed]
    why: str


def ended_early(record: Mapping[str, Any], collapse: Collapse | None, watch: Watch | None) -> Ended | None:
    """Whether a run ends at a logged step.

    Args:
        record: of the step.
        collapse: one that ends it.
        watch: of this process, if any.
    """
    if collapse is not None:
        why = f"{collapse.message}\nStopped at step {record['step']:,} by monitor.on_collapse"
        return Ended(TrainingFailed, why)
    if watch is not None and (reason := watch(record)):
        return Ended(TrainingPruned, f"stopped at step {record['step']:,}: {reason}")
    return None


def explain_non_finite(
    step: int, loss: float, grad_norm: float, lr: float, outputs: ViewOutputs, checkpoints: Path
) -> str:
    """What was not finite, where it began, what to try and which checkpoint is the last good one.

    Args:
        step: the step (from 0) whose update was refused.
        loss: its loss.
        grad_norm: its total gradient norm.
        lr: its learning rate.
        outputs: its representations and embeddings.
        checkpoints: the run's checkpoint folder.
    """
    what = f"the loss is {loss}" if not math.isfinite(loss) else f"the gradient norm is {grad_norm}"
    good = newest_good(checkpoints)
    kept = f"the last good checkpoint is {good}" if good else "no good checkpoint is saved yet"
    return (
        f"step {step + 1:,}: {what} (learning rate {lr:.3g}); {_origin(outputs)}. The "
        f"weights were not touched; {kept}. Try a lower optimizer.lr, a longer optimizer.warmup, "
        "optimizer.clip_grad_norm=1.0 or train.precision=float32, and look for NaN or extreme values in "
        "the data."
    )


def _origin(outputs: ViewOutputs) -> str:
    """The first of the model's outputs that is not finite."""
    for name, tensors in (("representation", outputs.representations), ("embedding", outputs.embeddings)):
        for view, tensor in enumerate(tensors):
            if not bool(tensor.isfinite().all()):
                rows = int((~tensor.isfinite()).any(dim=1).sum())
                return (
                    f"the {name} of view {view} already holds NaN or inf in {rows} of {tensor.shape[0]} rows"
                )
    largest = max(float(z.detach().abs().max()) for z in outputs.embeddings)
    return f"the embeddings are finite (largest {largest:.3g}), so it began in the loss or backward pass"
