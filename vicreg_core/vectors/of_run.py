"""The vectors of a run's data, or of other data, with all that is known of each sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts import DataInfo, DatasetAdapter, Shown
from vicreg_core.data.png import png, reduced
from vicreg_core.data.splits import open_data
from vicreg_core.errors import DataError, RunError
from vicreg_core.inference.embedder import Embedder
from vicreg_core.models.precision import resolve_device
from vicreg_core.pretrained import PretrainedEncoder, load
from vicreg_core.pretrained.files import model_name
from vicreg_core.recipes.load import load_recipe
from vicreg_core.vectors.files import VectorTable
from vicreg_core.vectors.projection import projections

Part = Literal["train", "test", "all"]
_PICTURE = 96
"""Longest side of a sample's picture, in pixels."""
_TEXT = 2000
"""Most characters of a sample's text."""

_RESERVED = frozenset(
    {"id", "split", "label", "group", "projection_x", "projection_y", "text", "image", "vector", "vectors"}
)


def embed_run(
    run: Path,
    part: Part = "all",
    *,
    overrides: Sequence[str] = (),
    samples: bool = True,
    projected: bool = True,
    model: PretrainedEncoder | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> VectorTable:
    """Embed the samples of a run's recipe, or other samples given by overrides of ``data``.

    Args:
        run: folder of a finished run.
        part: ``"train"``: the samples trained on; ``"test"``: those that were not; ``"all"``: both.
        overrides: ``key.path=value`` laid over the run's recipe; of ``data``, and ``train.device``, only.
        samples: keep beside each vector its sample as the report shows it, a small picture or a text.
        projected: add the columns of the projection.
        model: that makes the vectors; ``None``: the run's.
        say: told what is being done and what was left out.

    Returns:
        The vectors with the columns ``id``, ``split``, and where the data has them ``label`` (the class's
        name), ``group`` and its metadata; then ``projection_x`` and ``projection_y`` (UMAP where it is
        installed, else the principal components) and ``text`` where samples are texts. Of other data
        nothing is held out.

    Raises:
        RunError: no model, an override of another key, or no such part.
        VicregError: whatever else the user can act on.
    """
    model = model or load(run)
    loaded = load_recipe(str(run / "recipe.yaml"), checked(overrides), command="vicreg embed")
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
    parts_of, seen = [], []
    for name, data in chosen.items():
        say(f"embedding {len(data):,} samples ({name})")
        parts_of.append(_embed(embedder, data, model.info))
        seen += seen_of(embedder, data) if samples else []
    for line in dict.fromkeys(line for data in chosen.values() for line in data.skipped):
        say(f"left out: {line}")
    vectors = parts_of[0] if len(parts_of) == 1 else np.concatenate(parts_of)
    columns = _columns(chosen) | (_projected(vectors, recipe.seed, say) if projected else {})
    texts = [one for one in seen if isinstance(one, str)]
    if texts:
        columns["text"] = texts
    pictures = [png(one) for one in seen if not isinstance(one, str)]
    return VectorTable(columns, vectors, pictures or None, model_name(run))


def checked(overrides: Sequence[str]) -> list[str]:
    """The overrides of a run's data, with nothing held out where they name other data.

    Raises:
        RunError: one is of another key.
    """
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


def seen_of(embedder: Embedder, data: DatasetAdapter) -> list[Shown]:
    """Every sample for people, as its evaluation view shows it; empty where the modality shows nothing."""
    found: list[Shown] = []
    for batch in embedder.batches(data, np.arange(len(data))):
        shown = embedder.augmentation.show(batch)
        if shown is None:
            return []
        found += [one[:_TEXT] if isinstance(one, str) else reduced(one, _PICTURE) for one in shown]
    return found


def _projected(
    vectors: NDArray[np.float32], seed: int, say: Callable[[str], None]
) -> dict[str, NDArray[np.float32]]:
    """The two columns of the projection."""
    say("projecting the vectors to the plane")
    chosen = next(projections(vectors, seed))
    say(f"projection_x and projection_y are of {chosen.name}")
    return {"projection_x": chosen.points[:, 0], "projection_y": chosen.points[:, 1]}


def _columns(parts: Mapping[str, DatasetAdapter]) -> dict[str, Any]:
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
        known["label"] = [data.classes[label] if label >= 0 else None for label in data.labels.tolist()]
    if data.groups is not None:
        known["group"] = np.asarray(data.groups).tolist()
    for name, column in data.metadata.items():
        free = name not in _RESERVED
        known[name if free else f"metadata_{name}"] = list(column)
    return known
