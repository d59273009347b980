"""Checkpoints: ``checkpoints/step-000500/{state.pt, meta.json}``, each whole or not there.

They are read with ``weights_only=True``, so a checkpoint from a stranger executes no code; they carry the
fingerprint of their recipe, so a run never continues from another run's weights; and the checksum of their
content, so that a flipped bit is not trained on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vicreg_core.errors import RunError
from vicreg_core.files import atomic_path, is_whole, regular, remove, sealed, sha256
from vicreg_core.runs.reading import set_aside

FORMAT = 2
_STATE, _META = "state.pt", "meta.json"
_STEP = re.compile(r"step-(\d+)")
_KEYS = {"step", "model", "optimizer", "scaler", "average", "monitor"}


class DamagedCheckpoint(RunError):
    """A checkpoint that is not what was written."""


def steps_saved(folder: Path) -> list[int]:
    """Steps of the checkpoints in ``folder``, ascending."""
    if not folder.is_dir():
        return []
    matches = (_STEP.fullmatch(path.name) for path in folder.iterdir() if path.is_dir())
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
            with (temporary / _STATE).open("wb") as stream:
                torch.save(state, stream)
            meta = {
                "format": FORMAT,
                "step": step,
                "fingerprint": fingerprint,
                "sha256": {_STATE: sha256(temporary / _STATE)},
                "finite": all(bool(tensor.isfinite().all()) for tensor in _weights(state)),
            }
            (temporary / _META).write_text(json.dumps(sealed(meta)), encoding="utf-8")
    except RunError as error:
        saved = steps_saved(folder)
        if not saved:
            raise
        raise RunError(f"{error}. Make room and go on from step {saved[-1]} with --resume") from error
    prune(folder, keep)
    return target


def prune(folder: Path, keep: int) -> None:
    """Drop all but the latest ``keep`` checkpoints; also at a resume, since a kill may come before it."""
    for old in steps_saved(folder)[:-keep]:
        remove(checkpoint_path(folder, old))


def load_checkpoint(path: Path, fingerprint: str, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a checkpoint's state.

    Raises:
        RunError: if it belongs to another recipe or a newer format.
        DamagedCheckpoint: it is not what was written.
    """
    meta = _read_meta(path)
    if meta["fingerprint"] != fingerprint:
        raise RunError(
            f"{path} was written by a run with another recipe, so it cannot be continued with this one; "
            "give the same recipe and overrides (see recipe.yaml beside it), or train into another --out"
        )
    try:
        if meta["sha256"][_STATE] != sha256(path / _STATE):
            raise DamagedCheckpoint(
                f"{path / _STATE} is damaged: its checksum is not the one that {_META} holds"
            )
        state: dict[str, Any] = torch.load(path / _STATE, map_location=device, weights_only=True)
    except RunError:
        raise
    except Exception as error:
        raise _damaged(path, error) from error
    if not isinstance(state, dict):
        raise DamagedCheckpoint(f"{path / _STATE} holds no state of a run, but a {type(state).__name__}")
    return state


def newest_good(folder: Path) -> Path | None:
    """The newest checkpoint that says of itself that its weights are finite, or ``None``."""
    for step in reversed(steps_saved(folder)):
        path = checkpoint_path(folder, step)
        try:
            if _read_meta(path)["finite"]:
                return path
        except RunError:
            continue
    return None


def restore_newest(
    folder: Path,
    fingerprint: str,
    device: torch.device | str,
    take: Callable[[dict[str, Any]], None],
    say: Callable[[str], None],
) -> None:
    """Hand the newest whole checkpoint to ``take``; those that are damaged are set aside, and said to be.

    A checkpoint that ``take`` cannot use (keys or shapes that do not fit) is damaged as well; one whose
    weights are not finite is left out. What is set aside stays in ``folder`` as ``damaged-step-000500``.

    Args:
        folder: the run's ``checkpoints`` folder.
        fingerprint: the recipe's.
        device: where the tensors go.
        take: restores a run from a state; called once a checkpoint until it does not raise.
        say: told what was set aside.

    Raises:
        RunError: a checkpoint is of another recipe, or there are checkpoints and none can be used.
    """
    saved = steps_saved(folder)
    for step in reversed(saved):
        path = checkpoint_path(folder, step)
        try:
            state = load_checkpoint(path, fingerprint, device)
            if missing := _KEYS - state.keys():
                raise DamagedCheckpoint(f"{path} lacks {', '.join(sorted(missing))}")
            if not _read_meta(path)["finite"]:
                say(f"warning: {path} holds NaN or infinity in its weights; it is not continued from")
                continue
            _take(path, state, take)
        except DamagedCheckpoint as error:
            aside = set_aside(path)
            say(f"warning: {error}. It was set aside as {aside}, and the checkpoint before it is taken")
            continue
        return
    if saved:
        raise RunError(
            f"none of the checkpoints in {folder} can be continued from (steps "
            f"{', '.join(map(str, saved))}); copy a whole one back, or start anew with --overwrite"
        )


def _take(path: Path, state: dict[str, Any], take: Callable[[dict[str, Any]], None]) -> None:
    try:
        take(state)
    except (RuntimeError, KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise _damaged(path, error) from error


def _read_meta(path: Path) -> dict[str, Any]:
    """What ``meta.json`` says.

    Raises:
        DamagedCheckpoint: it is missing, or not what was written.
        RunError: it is of a newer format.
    """
    file = path / _META
    try:
        meta = json.loads(regular(file).read_text(encoding="utf-8"))
        if isinstance(meta, dict) and isinstance(meta.get("format"), int) and meta["format"] != FORMAT:
            raise RunError(
                f"{path} has checkpoint format {meta['format']}; this version reads format {FORMAT}"
            )
        if not isinstance(meta, dict) or not is_whole(meta):
            raise DamagedCheckpoint(f"{file} is damaged: its checksum does not fit its content")
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    return meta


def _damaged(path: Path, error: BaseException) -> DamagedCheckpoint:
    words = str(error).splitlines()[0] if str(error) else ""
    return DamagedCheckpoint(f"checkpoint {path} cannot be read ({type(error).__name__}: {words})")


def _weights(state: dict[str, Any]) -> Iterator[Tensor]:
    """The floating tensors of the model and of its average."""
    for part in (state.get("model"), state.get("average")):
        for value in (part or {}).values():
            if isinstance(value, Tensor) and value.is_floating_point():
                yield value
