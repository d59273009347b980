"""The vectors of a run's data, or of other data, with all that is known of each sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts import DataInfo, DatasetAdapter
from vicreg_core.data.splits import open_data
from vicreg_core.errors import DataError, RunError
from vicreg_core.evaluation.features import Embedder
from vicreg_core.evaluation.vector_files import VectorTable
from vicreg_core.pretrained import load
from vicreg_core.recipes.load import load_recipe
from vicreg_core.training.precision import resolve_device

Part = Literal["train", "test", "all"]
_RESERVED = ("id", "split", "label", "group", "vector", "vectors")


def embed_run(
    run: Path,
    part: Part = "all",
    *,
    overrides: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> VectorTable:
    """Embed the samples of a run's recipe, or other samples given by overrides of ``data``.

    Args:
        run: folder of a finished run.
        part: ``"train"``: the samples trained on; ``"test"``: those that were not; ``"all"``: both.
        overrides: ``key.path=value`` laid over the run's recipe; of ``data``, and ``train.device``, only.
        say: told what is being done and what was left out.

    Returns:
        The vectors with the columns ``id``, ``split``, and where the data has them ``label`` (the class's
        name), ``group`` and its metadata. Of other data nothing is held out.

    Raises:
        RunError: no model, an override of another key, or no such part.
        VicregError: whatever else the user can act on.
    """
    model = load(run)
    loaded = load_recipe(str(run / "recipe.yaml"), _checked(overrides), command="vicreg embed")
    recipe = loaded.recipe
    train, test = open_data(recipe.data, loaded.configs["dataset"], recipe.seed)
    parts = {"train": train, "test": test}
    if part != "all" and parts[part] is None:
        raise RunError(f"--split {part}: the data has no test split and none was held out; use --split train")
    chosen = {
        name: data.for_model(model.info)
        for name, data in parts.items()
        if data is not None and part in (name, "all")
    }
    embedder = Embedder(
        model.encoder,
        model.augmentation,
        device=resolve_device(recipe.train.device),
        workers=recipe.data.workers,
    )
    vectors = []
    for name, data in chosen.items():
        say(f"embedding {len(data):,} samples ({name})")
        vectors.append(_embed(embedder, data, model.info))
    for line in dict.fromkeys(line for data in chosen.values() for line in data.skipped):
        say(f"left out: {line}")
    return VectorTable(_columns(chosen), vectors[0] if len(vectors) == 1 else np.concatenate(vectors))


def _checked(overrides: Sequence[str]) -> list[str]:
    """The overrides, with nothing held out where they name other data."""
    keys = [override.partition("=")[0] for override in overrides]
    for key in keys:
        if key.partition(".")[0] != "data" and key != "train.device":
            raise RunError(
                f"{key}=... does not apply: the run's encoder and preprocessing are fixed; only data.* and "
                "train.device can be given here"
            )
    other = set(keys) - {"data.workers", "data.holdout", "data.on_error", "train.device"}
    return [*overrides, "data.holdout=0"] if other else list(overrides)


def _embed(embedder: Embedder, data: DatasetAdapter, info: DataInfo) -> NDArray[np.float32]:
    try:
        return embedder.embed(data)
    except (RuntimeError, ValueError) as error:
        if dict(data.info.facts) == dict(info.facts):
            raise
        raise DataError(
            f"the model does not take this data ({str(error).splitlines()[0]}): it was trained on data with "
            f"{dict(info.facts)}, this data has {dict(data.info.facts)}"
        ) from error


def _columns(parts: Mapping[str, DatasetAdapter]) -> dict[str, list[Any]]:
    """The columns of all parts, one below the other; ``None`` where a part lacks one."""
    tables = [
        {"id": list(data.ids), "split": [name] * len(data), **_known(data)} for name, data in parts.items()
    ]
    names = dict.fromkeys(name for table in tables for name in table)
    return {
        name: [value for table in tables for value in table.get(name, [None] * len(table["id"]))]
        for name in names
    }


def _known(data: DatasetAdapter) -> dict[str, list[Any]]:
    """Label, group and metadata of each sample."""
    known: dict[str, list[Any]] = {}
    if data.labels is not None:
        known["label"] = [data.classes[label] for label in data.labels.tolist()]
    if data.groups is not None:
        known["group"] = np.asarray(data.groups).tolist()
    for name, column in data.metadata.items():
        free = name not in _RESERVED
        known[name if free else f"metadata_{name}"] = list(column)
    return known
