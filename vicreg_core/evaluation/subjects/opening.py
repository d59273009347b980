"""The bench of a recipe's samples: as the model of the run takes them, and as other models do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from vicreg_core.contracts import DatasetAdapter
from vicreg_core.data.draw import limited
from vicreg_core.data.labelled import labelled, labelled_first
from vicreg_core.data.splits import open_data
from vicreg_core.errors import DataError, RunError
from vicreg_core.evaluation.subjects.bench import RANDOM_ENCODER, Bench
from vicreg_core.evaluation.subjects.floors import RAW_FEATURES
from vicreg_core.evaluation.subjects.subject import Subject
from vicreg_core.evaluation.supervised.finetuner import Cost
from vicreg_core.evaluation.supervised.floor import NAME as SUPERVISED
from vicreg_core.models.precision import resolve_device, resolve_precision
from vicreg_core.pretrained import PretrainedEncoder, load
from vicreg_core.recipes.load import LoadedRecipe
from vicreg_core.recipes.schema import TrainSection

_TAKEN = {"encoder", RANDOM_ENCODER, RAW_FEATURES, SUPERVISED}


def make_bench(
    cache: Path,
    model: PretrainedEncoder,
    loaded: LoadedRecipe,
    train: TrainSection,
    say: Callable[[str], None] = lambda _: None,
) -> Bench:
    """The samples of a recipe, as many as it allows, for a model.

    Args:
        cache: folder of vectors.
        model: that is evaluated.
        loaded: names the data, the seed and the device.
        train: how the model was trained, which training with labels is measured by.
        say: told what is being trained.

    Raises:
        DataError: the model cannot take the data.
    """
    recipe, section = loaded.recipe, loaded.recipe.evaluate
    data, held = open_data(recipe.data, loaded.configs["dataset"], recipe.seed)
    return bench_on(
        cache,
        model,
        loaded,
        train,
        labelled_first(as_taken(data, model), section.max_train, recipe.seed),
        None if held is None else limited(labelled(as_taken(held, model)), section.max_test, recipe.seed),
        say,
    )


def bench_on(
    cache: Path,
    model: PretrainedEncoder,
    loaded: LoadedRecipe,
    trained: TrainSection,
    train: DatasetAdapter,
    test: DatasetAdapter | None,
    say: Callable[[str], None] = lambda _: None,
) -> Bench:
    """The bench of samples that are there already, in the form that the model takes.

    Args:
        cache: folder of vectors.
        model: that is evaluated.
        loaded: names the seed, the device and the workers.
        trained: how the model was trained, which training with labels is measured by.
        train: samples a classifier learns from.
        test: samples it is scored on, or ``None``.
        say: told what is being trained.
    """
    device = resolve_device(loaded.recipe.train.device)
    return Bench(
        train=train,
        test=test,
        augmentation=model.augmentation,
        seed=loaded.recipe.seed,
        device=device,
        cost=_cost(model, trained, device),
        workers=loaded.recipe.data.workers,
        cache=cache,
        made_by=model.manifest.augmentation.model_dump(mode="json"),
        say=say,
    )


def encoders_beside(bench: Bench, folders: Sequence[Path]) -> dict[str, Callable[[], Subject]]:
    """Other encoders on the samples of a bench, by the names of their folders; each is encoded when called.

    Args:
        bench: of the encoder that they are floors of.
        folders: runs, or model folders.

    Raises:
        RunError: a folder holds no model, or two have one name.
        DataError: a model cannot take the data.
    """
    beside: dict[str, Callable[[], Subject]] = {}
    for folder in folders:
        path = folder.resolve()
        name = path.parent.name if path.name == "model" else path.name
        if name in beside or name in _TAKEN:
            raise RunError(f"--beside {folder}: {name!r} names another column already; rename the folder")
        beside[name] = _beside(bench, name, folder)
    return beside


def _beside(bench: Bench, name: str, folder: Path) -> Callable[[], Subject]:
    model = load(folder)
    try:
        theirs = dataclasses.replace(
            bench,
            train=as_taken(bench.train, model),
            test=None if bench.test is None else as_taken(bench.test, model),
            augmentation=model.augmentation,
            made_by=model.manifest.augmentation.model_dump(mode="json"),
        )
    except DataError as error:
        raise DataError(f"--beside {folder}: {error}") from error
    return lambda: theirs.encoder(name, model.encoder)


def as_taken(data: DatasetAdapter, model: PretrainedEncoder) -> DatasetAdapter:
    """The data in the form that the model takes; data of another modality is refused."""
    # Any modality may name its kind; what else they know tells whether their data has anything in common.
    ours, known = (set(info.facts) - {"kind"} for info in (data.info, model.info))
    if ours and known and not ours & known:
        raise DataError(
            f"the data is of another kind than the model's: it has {', '.join(sorted(ours)[:4])}, where the "
            f"model was trained on data with {', '.join(sorted(known)[:4])}"
        )
    return data.for_model(model.info)


def _cost(model: PretrainedEncoder, train: TrainSection, device: torch.device) -> Cost | None:
    """That of the run that trained the model; ``None`` where it is not known."""
    steps = model.manifest.training.get("steps")
    if not isinstance(steps, int):
        return None
    return Cost(
        views=steps * train.batch_size * train.views,
        batch_size=train.batch_size,
        precision=resolve_precision(train.precision, device),
    )
