"""Checkpoints: ``checkpoints/step-000500/{state.pt, meta.json}``, each whole or not there.

They are read with ``weights_only=True``, so a checkpoint from a stranger executes no code, and they carry
the fingerprint of their recipe, so a run never continues from another run's weights.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch

from vicreg_core.errors import RunError
from vicreg_core.files import atomic_path, remove

FORMAT = 1
_STEP = re.compile(r"step-(\d+)")


def steps_saved(folder: Path) -> list[int]:
    """Steps of the complete checkpoints in ``folder``, ascending."""
    if not folder.is_dir():
        return []
    matches = (_STEP.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(match[1]) for match in matches if match)


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the checkpoint of ``step`` lies."""
    return folder / f"step-{step:06d}"


def save_checkpoint(folder: Path, step: int, state: dict[str, Any], fingerprint: str, keep: int) -> Path:
    """Write the checkpoint of ``step`` atomically, then drop all but the latest ``keep``.

    Args:
        folder: the run's ``checkpoints`` folder.
        step: number of steps done.
        state: tensors, numbers, strings, lists and dictionaries only.
        fingerprint: the recipe's (:func:`vicreg_core.recipes.load.fingerprint`).
        keep: how many of the latest checkpoints stay.

    Raises:
        RunError: when the disk refuses; earlier checkpoints are then untouched.
    """
    target = checkpoint_path(folder, step)
    try:
        with atomic_path(target) as temporary:
            temporary.mkdir()
            # Through a file of Python's: torch's own writer loses the system's reason, and torch 2.8 even the
            # failure of a small write.
            with (temporary / "state.pt").open("wb") as stream:
                torch.save(state, stream)
            meta = {"format": FORMAT, "step": step, "fingerprint": fingerprint}
            (temporary / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    except RunError as error:
        saved = steps_saved(folder)
        if not saved:
            raise
        raise RunError(f"{error}. Make room and go on from step {saved[-1]} with --resume") from error
    for old in steps_saved(folder)[:-keep]:
        remove(checkpoint_path(folder, old))
    return target


def load_checkpoint(path: Path, fingerprint: str, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a checkpoint's state.

    Raises:
        RunError: if it belongs to another recipe or a newer format, or cannot be read.
    """
    try:
        meta = json.loads((path / "meta.json").read_text(encoding="utf-8"))
        if meta["format"] > FORMAT:
            raise RunError(
                f"{path} has checkpoint format {meta['format']}; this version reads up to {FORMAT}"
            )
        if meta["fingerprint"] != fingerprint:
            raise RunError(
                f"{path} was written by a run with another recipe, so it cannot be continued with this one; "
                "give the same recipe and overrides (see recipe.yaml beside it), or train into another --out"
            )
        state: dict[str, Any] = torch.load(path / "state.pt", map_location=device, weights_only=True)
    except RunError:
        raise
    except Exception as error:
        raise RunError(
            f"checkpoint {path} cannot be read ({type(error).__name__}: {str(error).splitlines()[0]}); "
            f"remove that folder to continue from the checkpoint before it"
        ) from error
    return state
