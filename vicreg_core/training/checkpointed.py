"""The encoder of a checkpoint, of a run that has gone on since or has not finished."""

from __future__ import annotations

from pathlib import Path

from vicreg_core.contracts import DataInfo
from vicreg_core.errors import RunError
from vicreg_core.pretrained import PretrainedEncoder
from vicreg_core.pretrained.manifest import Manifest, saved_assets
from vicreg_core.recipes.load import fingerprint, load_recipe
from vicreg_core.runs.checkpoints import checkpoint_path, load_checkpoint, steps_saved
from vicreg_core.runs.directory import RunDirectory
from vicreg_core.training.components import build_components


def load_checkpointed(run: Path, step: int) -> PretrainedEncoder:
    """The encoder after ``step`` steps: the one that would have been exported had training ended there.

    Args:
        run: folder of a run.
        step: of one of its checkpoints.

    Raises:
        RunError: no run, no such checkpoint, or it cannot be read.
        VicregError: whatever else the user can act on.
    """
    directory = RunDirectory(run)
    if not directory.recipe.is_file():
        raise RunError(f"{run} is not a run: expected recipe.yaml in it")
    if step not in (saved := steps_saved(directory.checkpoints)):
        there = ", ".join(map(str, saved)) or "none"
        raise RunError(f"{run} has no checkpoint of step {step}; there are: {there}")
    loaded = load_recipe(str(directory.recipe), command="vicreg evaluate")
    state = load_checkpoint(checkpoint_path(directory.checkpoints, step), fingerprint(loaded.recipe))
    weights, prefix = (
        (state["model"], "encoder.") if state["average"] is None else (state["average"], "module.")
    )
    components = build_components(loaded)
    encoder, info = components.encoder, components.data.info
    encoder.load_state_dict(
        {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    )
    manifest = Manifest.of(encoder, info, loaded.data, {"recipe": loaded.source, "steps": step})
    saved_info = DataInfo(info.facts, saved_assets(encoder, info))
    return PretrainedEncoder(encoder, components.augmentation, manifest, saved_info)
