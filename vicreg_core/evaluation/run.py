"""The evaluation of a run: its encoder, its data, its ``evaluation.json``."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vicreg_core.contracts.keys import mix_int, stream_id
from vicreg_core.evaluation.evaluate import evaluate
from vicreg_core.evaluation.results import keep_evaluation, keep_transfer
from vicreg_core.evaluation.subjects.opening import encoders_beside, make_bench
from vicreg_core.inference.cache import model_digest
from vicreg_core.pretrained import PretrainedEncoder, load
from vicreg_core.pretrained.files import resume_line
from vicreg_core.recipes.load import load_recipe
from vicreg_core.runs.checkpoints import DamagedCheckpoint
from vicreg_core.training.checkpointed import load_checkpointed
from vicreg_core.training.projector import Project, load_projector

FORMAT = 1


def evaluate_run(
    run: Path,
    protocols: Sequence[str] | None = None,
    *,
    overrides: Sequence[str] = (),
    checkpoint: int | None = None,
    supervised: bool = False,
    beside: Sequence[Path] = (),
    transfer: str | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Evaluate the encoder of a run beside its floors and keep the result in its ``evaluation.json``.

    A result of the same model on the same samples that is there already is kept for the protocols and floors
    not asked for. With overrides, say of the data, or for a checkpoint, the result is not the run's and not
    written. A transfer is kept under its name, which holds the overrides of its data.

    Args:
        run: folder of a finished run.
        protocols: names; ``None``: those of the recipe, which also has their options.
        overrides: ``key.path=value`` laid over the recipe, e.g. ``data.path=...`` for other data.
        checkpoint: evaluate the encoder as it was after so many steps instead of the exported one.
        supervised: of the floors also a network trained from scratch with the labels, as with
            ``evaluate.supervised`` in the recipe.
        beside: runs or model folders whose frozen encoders are floors too.
        transfer: a shipped recipe's name or a recipe's path: evaluate on its data, with its seed, its
            ``evaluate`` section and its device instead of the run's.
        say: told what is being done.

    Returns:
        What :func:`~vicreg_core.evaluation.evaluate.evaluate` returns, with ``format``, ``model`` (a digest)
        and ``seed``.

    Raises:
        RunError: no model, or it is damaged.
        VicregError: whatever else the user can act on.
    """
    model = load(run) if checkpoint is None else load_checkpointed(run, checkpoint)
    opened = functools.partial(load_recipe, protocols=protocols, supervised=supervised)
    own = loaded = opened(str(run / "recipe.yaml"), () if transfer else overrides, command="vicreg evaluate")
    if transfer:
        loaded = opened(transfer, overrides, command=f"vicreg evaluate {run} --transfer")
    recipe = loaded.recipe
    digest = model_digest(model.encoder, model.manifest.augmentation.model_dump(mode="json"))
    bench = make_bench(run / "cache" / "vectors", model, loaded, own.recipe.train, say)
    bench = dataclasses.replace(bench, projector=functools.partial(_projector, run, model, say))
    result = {
        "format": FORMAT,
        "model": digest,
        "seed": recipe.seed,
        **evaluate(
            model.encoder,
            bench,
            loaded.protocols,
            untrained=functools.partial(model.untrained, mix_int(recipe.seed, stream_id("untrained"))),
            baselines=recipe.evaluate.baselines,
            supervised=recipe.evaluate.label_training,
            beside=encoders_beside(bench, beside),
            say=say,
        ),
    }
    path = run / "evaluation.json"
    if checkpoint is not None or (overrides and not transfer):
        return result
    if transfer:
        name = [transfer, *(override for override in overrides if override.startswith("data."))]
        return keep_transfer(path, " ".join(name), result, say)
    return keep_evaluation(path, result, say)


def _projector(run: Path, model: PretrainedEncoder, say: Callable[[str], None]) -> Project | None:
    """That of the checkpoint which the model was exported from; ``None``, and said, where it is not there."""
    step = model.manifest.training.get("steps")
    if not isinstance(step, int):
        return None
    loaded = load_recipe(str(run / "recipe.yaml"), command="vicreg evaluate")
    try:
        projector = load_projector(run, loaded, step, model.embedding_dim)
        missing = f"the checkpoint of step {step} is gone"
    except DamagedCheckpoint as error:
        projector, missing = None, f"{error}; this writes it anew:\n  {resume_line(run)}\n "
    if projector is None:
        say(f"warning: nothing is said of the projector's embedding: {missing}")
    return projector
