"""A run from a loaded recipe to its exported and evaluated encoder, as each process sees it."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from vicreg_core.contracts.keys import mix_int, stream_id
from vicreg_core.contracts.stream import at_hand
from vicreg_core.data.labelled import count_labelled
from vicreg_core.data.loader import ViewLoader
from vicreg_core.data.streams.plan import share_of
from vicreg_core.distributed import on_first, rank, world_size
from vicreg_core.errors import DataError, RunError, VicregError
from vicreg_core.files import write_text
from vicreg_core.models.joint_embedding import JointEmbedding
from vicreg_core.models.precision import Precision, device_name, resolve_device, resolve_precision
from vicreg_core.models.projector import build_projector, require_room
from vicreg_core.pretrained import save_pretrained
from vicreg_core.recipes.load import LoadedRecipe, dump_recipe, fingerprint, load_recipe
from vicreg_core.recipes.seal import seal
from vicreg_core.runs.directory import RunDirectory
from vicreg_core.runs.lock import run_lock
from vicreg_core.runs.reading import DamagedFile, read_recipe_text
from vicreg_core.training.components import Components, build_components
from vicreg_core.training.failure import Watch
from vicreg_core.training.probe import build_probe
from vicreg_core.training.processes.launch import local_device
from vicreg_core.training.progress import Progress
from vicreg_core.training.supplies import prepare_objective
from vicreg_core.training.threads import resume_threads, settle_threads
from vicreg_core.training.trainer import Trainer


def train_run(
    loaded: LoadedRecipe, run: RunDirectory, *, resume: bool, overwrite: bool, watch: Watch | None = None
) -> None:
    """Train by a recipe into a run directory and export the encoder; called in every process of the run.

    Args:
        loaded: the recipe.
        run: where everything goes.
        resume: continue from the latest checkpoint if there is one.
        overwrite: replace the run that is there.
        watch: shown each logged record; a reason it gives ends the run.

    Raises:
        VicregError: for whatever the user can act on, the same in every process.
    """
    with contextlib.ExitStack() as held:
        on_first(lambda: _reserve(run, held, resume=resume, overwrite=overwrite))
        _train(loaded, run, resume=resume, overwrite=overwrite, watch=watch)


def _train(
    loaded: LoadedRecipe, run: RunDirectory, *, resume: bool, overwrite: bool, watch: Watch | None
) -> None:
    device = local_device(resolve_device(loaded.recipe.train.device))
    mark = fingerprint(loaded.recipe)
    on_first(lambda: _prepare(loaded, run, mark, resume=resume, overwrite=overwrite))
    progress = Progress(run.log if rank() == 0 else None)
    try:
        components = build_components(loaded)
        # What it is trained in depends on what the plugins built, so the run's first line comes after that.
        precision = resolve_precision(loaded.recipe.train.precision, device, training=components.encoder)
        progress.say(f"run {run.path}: {device.type}, {precision.name}, {world_size()} process(es)")
        if not precision.native:
            progress.say(
                f"warning: this {device.type} computes in {precision.name} without hardware for it, which "
                "may be many times slower than float32; train.precision=auto takes what it is fast in"
            )
        if resume and run.environment.exists():
            resume_threads(run)
        else:
            seen = at_hand(components.data)
            settle_threads(components.encoder, seen, components.augmentation, device, progress.say)
        trainer = build_trainer(loaded, components, device, precision, run, progress, watch)
    except VicregError:
        # Nothing was trained: a folder left behind would only be in the way of the next try.
        if rank() == 0 and not run.has_started:
            run.discard()
        raise
    reached = trainer.restore() if resume else 0
    if reached:
        progress.say(f"resumed after step {reached:,} of {trainer.total_steps:,}")
    elif resume and run.metrics.exists():
        progress.say("no checkpoint was written yet; training starts at step 0")
    if rank() == 0:
        run.write_environment(_environment(device, precision))
    try:
        if reached < trainer.total_steps:
            trainer.fit()
    except VicregError as error:
        progress.record(f"ended early: {error}")
        raise
    on_first(lambda: _export(loaded, components, trainer, run))


def build_trainer(
    loaded: LoadedRecipe,
    components: Components,
    device: torch.device,
    precision: Precision,
    run: RunDirectory,
    progress: Progress,
    watch: Watch | None = None,
) -> Trainer:
    """The trainer of a recipe's components on one device."""
    recipe, data = loaded.recipe, components.data
    objective = components.objective
    prepare_objective(objective, recipe, data, components.augmentation, components.encoder, device)
    require_room(components.encoder.embedding_dim, recipe.projector.dims, device)
    torch.manual_seed(mix_int(recipe.seed, stream_id("projector")))
    projector = build_projector(components.encoder.embedding_dim, recipe.projector.dims)
    share = share_of(data, recipe.train.batch_size, recipe.seed, rank(), world_size())
    loader = ViewLoader(
        data,
        components.augmentation,
        share,
        views=recipe.train.views,
        device=device,
        workers=recipe.data.workers,
        clean="clean" in objective.needs,
    )
    if data.skipped:
        progress.say(f"skipped {len(data.skipped)} unreadable sample(s): {'; '.join(data.skipped[:5])}")
    known = f" ({words})" if (words := count_labelled(data)) else ""
    progress.say(f"{len(data):,} training samples{known}, {share.plan.steps_per_epoch:,} steps an epoch")
    model = JointEmbedding(components.encoder, projector, feature_maps="feature_maps" in objective.needs)
    probe = None
    if rank() == 0:
        try:
            probe = build_probe(recipe, at_hand(data), components.augmentation, device, precision)
        except DataError as error:
            progress.say(f"no online probe: {error}")
    if recipe.train.deterministic:
        torch.use_deterministic_algorithms(True)
    mark = fingerprint(recipe)
    return Trainer(recipe, mark, model, objective, loader, precision, run, progress, probe, watch)


@contextlib.contextmanager
def passing_trainer(
    loaded: LoadedRecipe, device: torch.device, precision: Precision | None = None
) -> Iterator[Trainer]:
    """A trainer of a recipe to time steps with; what it writes is gone afterwards.

    Args:
        loaded: the recipe.
        device: where it trains.
        precision: ``None``: the recipe's.
    """
    components = build_components(loaded)
    own = precision or resolve_precision(loaded.recipe.train.precision, device, training=components.encoder)
    with tempfile.TemporaryDirectory() as folder:
        yield build_trainer(loaded, components, device, own, RunDirectory(Path(folder)), Progress(None))


def _reserve(run: RunDirectory, held: contextlib.ExitStack, *, resume: bool, overwrite: bool) -> None:
    """Make the folder of a run and lock it; a folder that is refused is left as it is."""
    run.check(resume=resume, overwrite=overwrite)
    run.make()
    held.enter_context(run_lock(run.path, lambda line: print(line, file=sys.stderr)))


def _prepare(loaded: LoadedRecipe, run: RunDirectory, mark: str, *, resume: bool, overwrite: bool) -> None:
    run.prepare(resume=resume, overwrite=overwrite)
    earlier = _fingerprint_of(run)
    if earlier is not None and earlier != mark:
        raise RunError(
            f"{run.path} was started with another recipe ({run.recipe}; fingerprint {earlier[:12]}, this one "
            f"is {mark[:12]}); resume with the same recipe and overrides, or train into another --out"
        )
    write_text(run.recipe, seal(dump_recipe(loaded)))


def _fingerprint_of(run: RunDirectory) -> str | None:
    """That of the recipe a run was started with; ``None`` for a new run.

    A damaged recipe is kept beside its new one: checkpoints carry the fingerprint too, and are compared when
    they are read.
    """
    if not run.recipe.exists():
        return None
    try:
        read_recipe_text(run.path)
    except DamagedFile as error:
        aside = run.recipe.with_name(f"damaged-{run.recipe.name}")
        shutil.copyfile(run.recipe, aside)  # a copy: by its recipe a run is known as one, at every moment
        print(f"warning: {error}; it is kept as {aside.name}", file=sys.stderr)
        return None
    return fingerprint(load_recipe(str(run.recipe)).recipe)


def _environment(device: torch.device, precision: Precision) -> dict[str, object]:
    return {
        "device": device_name(device),
        "precision": precision.name,
        "processes": world_size(),
        "threads": torch.get_num_threads(),
    }


def _export(loaded: LoadedRecipe, components: Components, trainer: Trainer, run: RunDirectory) -> None:
    save_pretrained(
        run.model,
        trainer.encoder,
        info=components.data.info,
        loaded=loaded,
        trained={"steps": trainer.step, "samples": len(components.data)},
    )
