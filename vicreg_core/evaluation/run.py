"""The evaluation of a run: its encoder, its data, its ``evaluation.json``."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vicreg_core.contracts import DatasetAdapter
from vicreg_core.data.keys import mix_int, stream_id
from vicreg_core.data.splits import open_data
from vicreg_core.evaluation.cache import model_digest
from vicreg_core.evaluation.checkpointed import load_checkpointed
from vicreg_core.evaluation.evaluate import evaluate
from vicreg_core.evaluation.subjects import Bench, limited
from vicreg_core.files import write_text
from vicreg_core.pretrained import PretrainedEncoder, load
from vicreg_core.recipes.load import LoadedRecipe, load_recipe
from vicreg_core.training.precision import resolve_device

FORMAT = 1


def evaluate_run(
    run: Path,
    protocols: Sequence[str] | None = None,
    *,
    overrides: Sequence[str] = (),
    checkpoint: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Evaluate the encoder of a run beside its floors and keep the result in its ``evaluation.json``.

    A result of the same model on the same samples that is there already is kept for the protocols not asked
    for. With overrides, say of the data, or for a checkpoint, the result is not the run's and not written.

    Args:
        run: folder of a finished run.
        protocols: names; ``None``: those of the recipe.
        overrides: ``key.path=value`` laid over the run's recipe, e.g. ``data.path=...`` for other data.
        checkpoint: evaluate the encoder as it was after so many steps instead of the exported one.
        say: told what is being done.

    Returns:
        What :func:`~vicreg_core.evaluation.evaluate.evaluate` returns, with ``format``, ``model`` (a digest)
        and ``seed``.

    Raises:
        RunError: no model, or it is damaged.
        VicregError: whatever else the user can act on.
    """
    model = load(run) if checkpoint is None else load_checkpointed(run, checkpoint)
    loaded = load_recipe(str(run / "recipe.yaml"), overrides, command="vicreg evaluate")
    recipe = loaded.recipe
    digest = model_digest(model.encoder, model.manifest.augmentation.model_dump(mode="json"))
    bench = _bench(run, model, loaded)
    result = {
        "format": FORMAT,
        "model": digest,
        "seed": recipe.seed,
        **evaluate(
            model.encoder,
            bench,
            tuple(protocols or recipe.evaluate.protocols),
            untrained=functools.partial(model.untrained, mix_int(recipe.seed, stream_id("untrained"))),
            baselines=recipe.evaluate.baselines,
            say=say,
        ),
    }
    if not overrides and checkpoint is None:
        path = run / "evaluation.json"
        result = _merged(path, result)
        write_text(path, json.dumps(result, indent=2, allow_nan=False) + "\n")
    return result


def _bench(run: Path, model: PretrainedEncoder, loaded: LoadedRecipe) -> Bench:
    """The samples of the recipe, as many as it allows, for this model."""
    recipe, section = loaded.recipe, loaded.recipe.evaluate
    train, test = open_data(recipe.data, loaded.configs["dataset"], recipe.seed)

    def shown(data: DatasetAdapter, most: int | None) -> DatasetAdapter:
        return limited(data.for_model(model.info), most, recipe.seed)

    return Bench(
        train=shown(train, section.max_train),
        test=None if test is None else shown(test, section.max_test),
        augmentation=model.augmentation,
        seed=recipe.seed,
        device=resolve_device(recipe.train.device),
        workers=recipe.data.workers,
        cache=run / "cache" / "vectors",
        made_by=model.manifest.augmentation.model_dump(mode="json"),
    )


def _merged(path: Path, result: dict[str, Any]) -> dict[str, Any]:
    """The result with the protocols of an earlier one of the same model, data and seed."""
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
        same = all(earlier[key] == result[key] for key in ("format", "model", "seed", "data", "notes"))
    except (OSError, ValueError, KeyError, TypeError):
        return result
    if not same or set(earlier["baselines"]) != set(result["baselines"]):
        return result
    floors = {name: {**earlier["baselines"][name], **of} for name, of in result["baselines"].items()}
    return {**result, "protocols": {**earlier["protocols"], **result["protocols"]}, "baselines": floors}
