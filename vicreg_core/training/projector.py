"""The projector of a finished run, which is not exported with its encoder but lies in its last checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from vicreg_core.models.projector import build_projector
from vicreg_core.recipes.load import LoadedRecipe, fingerprint
from vicreg_core.runs.checkpoints import checkpoint_path, load_checkpoint, steps_saved
from vicreg_core.runs.directory import RunDirectory

Project: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]

_PREFIX = "projector."
_ROWS = 4096


def load_projector(run: Path, loaded: LoadedRecipe, step: int, width: int) -> Project | None:
    """What turns representations ``(n, width) float32`` into embeddings ``(n, D) float32``.

    Args:
        run: folder of a run.
        loaded: its recipe, without overrides.
        step: the step after which the encoder was exported.
        width: of the representation.

    Returns:
        ``None`` where the checkpoint of that step is gone.

    Raises:
        RunError: the checkpoint cannot be read.
    """
    checkpoints = RunDirectory(run).checkpoints
    if step not in steps_saved(checkpoints):
        return None
    state = load_checkpoint(checkpoint_path(checkpoints, step), fingerprint(loaded.recipe))
    projector = build_projector(width, loaded.recipe.projector.dims)
    weights = {n.removeprefix(_PREFIX): v for n, v in state["model"].items() if n.startswith(_PREFIX)}
    projector.load_state_dict(weights)
    return _in_blocks(projector.eval())


def _in_blocks(projector: nn.Module) -> Project:
    @torch.no_grad()
    def project(representations: NDArray[np.float32]) -> NDArray[np.float32]:
        blocks = torch.from_numpy(representations).split(_ROWS)
        embeddings: NDArray[np.float32] = torch.cat([projector(block) for block in blocks]).numpy()
        return embeddings

    return project
