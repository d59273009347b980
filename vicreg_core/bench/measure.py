"""A recipe's step taken apart, on the data and the machine at hand."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch

from vicreg_core.bench.clock import Clock
from vicreg_core.contracts import Batch
from vicreg_core.models.precision import Precision, device_name, resolve_device
from vicreg_core.recipes.load import LoadedRecipe
from vicreg_core.training.passes import MicroPasses
from vicreg_core.training.session import passing_trainer
from vicreg_core.training.trainer import Trainer

WARM = 3
"""Steps before any is counted: memory is allocated and loader processes start in them."""
PARTS = {
    "read": "samples read and decoded",
    "prepare": "brought to one shape, sample by sample",
    "waiting": "for loader processes, and for the batch to be handed over",
    "copy": "to the device",
    "augment": "views made",
    "forward": "encoder and projector",
    "loss": "the objective",
    "backward": "gradients",
    "optimiser": "clipping, weights, averages",
    "logging": "monitor, metrics",
    "rest": "all else",
}
"""The parts of a step, in its order."""
MODEL = ("forward", "loss", "backward", "optimiser")


@dataclass(frozen=True, slots=True)
class Variant:
    """The model alone, computed otherwise.

    Attributes:
        name: what is different, as a user sets it.
        samples_per_second: of forward, loss, backward and optimiser.
        prepared: seconds it took before the first step, such as for compiling.
    """

    name: str
    samples_per_second: float
    prepared: float = 0.0


@dataclass(frozen=True, slots=True)
class Bench:
    """What was measured.

    Attributes:
        device, precision, threads, workers, batch_size, total_steps: of the run.
        steps: counted.
        wall: seconds of all of them.
        parts: seconds of each of :data:`PARTS`; they add up to ``wall``.
        samples_per_second: of the whole step.
        model_samples_per_second: of the model alone on a batch that lies ready: the ceiling.
        peak_memory: bytes, of the process on a CPU, else on the device.
        variants: the model alone, computed otherwise.
    """

    device: str
    precision: str
    threads: int
    workers: int
    batch_size: int
    total_steps: int
    steps: int
    wall: float
    parts: dict[str, float]
    samples_per_second: float
    model_samples_per_second: float
    peak_memory: int
    variants: tuple[Variant, ...]

    @property
    def of_ceiling(self) -> float:
        """Share of the model-only rate that the whole step reaches."""
        return self.samples_per_second / self.model_samples_per_second

    def share(self, *parts: str) -> float:
        """Of the wall time."""
        return sum(self.parts.get(part, 0.0) for part in parts) / self.wall

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "of_ceiling": self.of_ceiling}


def bench(loaded: LoadedRecipe, steps: int, *, compiled: bool = False) -> Bench:
    """Train some steps of a recipe, nothing of which is kept, and say where their time goes.

    Args:
        loaded: the recipe.
        steps: to count, after :data:`WARM` others.
        compiled: measure ``train.compile`` too, which takes as long as compiling does.

    Raises:
        VicregError: the recipe cannot be trained.
    """
    device = resolve_device(loaded.recipe.train.device)
    with passing_trainer(loaded, device) as trainer:
        clock = Clock("rest", lambda: _settle(device))
        _instrument(trainer, clock)
        batches = trainer.batches(WARM + steps)
        wait = "waiting" if trainer.loader.workers else "read"
        held: list[Batch] = []
        for index in range(WARM + steps):
            if index == WARM:
                clock.restart()
            with clock.span(wait):
                held = next(batches)
            trainer.monitor.observe(trainer.step + 1, trainer.train_step(held).outputs)
            trainer.step += 1
            if trainer.step % loaded.recipe.train.log_every == 0:
                with clock.span("logging"):
                    trainer.monitor.diagnose(trainer.step)
        wall, parts = clock.elapsed, dict(clock.seconds)
        model = _model_seconds(trainer, held, max(3, steps // 2))
        batch = loaded.recipe.train.batch_size
        return Bench(
            device=device_name(device),
            precision=trainer.precision.name,
            threads=torch.get_num_threads(),
            workers=trainer.loader.workers,
            batch_size=batch,
            total_steps=trainer.total_steps,
            steps=steps,
            wall=wall,
            parts={name: parts.get(name, 0.0) for name in PARTS},
            samples_per_second=batch * steps / wall,
            model_samples_per_second=batch / model,
            peak_memory=_peak_memory(device),
            variants=tuple(_variants(loaded, device, trainer.precision, held, compiled)),
        )


def _instrument(trainer: Trainer, clock: Clock) -> None:
    """Time the parts of a step; what loader processes do is not seen from here."""

    def time_of(name: str, owner: Any, method: str) -> None:
        setattr(owner, method, clock.timed(name, getattr(owner, method)))

    loader = trainer.loader
    if not loader.workers:
        time_of("prepare", loader.raw_augmentation, "prepare")
        time_of("prepare", loader.raw_augmentation, "collate")
    time_of("copy", loader, "move")
    time_of("augment", loader.augmentation, "forward")
    time_of("forward", trainer.passes, "outputs")
    if isinstance(trainer.passes, MicroPasses):
        time_of("forward", trainer.passes, "encoded")
    time_of("loss", trainer.objective, "of_step")
    time_of("forward", trainer.supplies, "of_step")
    time_of("backward", trainer, "backward")
    time_of("optimiser", trainer, "_clip_gradients")
    time_of("optimiser", trainer, "update")
    time_of("logging", trainer.monitor, "observe")


def _model_seconds(trainer: Trainer, batches: list[Batch], steps: int) -> float:
    """Seconds of a step on a batch that lies ready."""
    trainer.train_step(batches)
    _settle(trainer.device)
    start = time.perf_counter()
    for _ in range(steps):
        trainer.train_step(batches)
    _settle(trainer.device)
    return (time.perf_counter() - start) / steps


def _variants(
    loaded: LoadedRecipe, device: torch.device, own: Precision, batches: list[Batch], compiled: bool
) -> Iterator[Variant]:
    """The model alone in the other precision, with the other number of threads, and compiled on request."""
    batch, threads = loaded.recipe.train.batch_size, torch.get_num_threads()
    other = torch.bfloat16 if own.dtype == torch.float32 else torch.float32
    with passing_trainer(loaded, device, Precision(device.type, other)) as trainer:
        if trainer.precision.sound_for(trainer.model) == trainer.precision:
            rate = batch / _model_seconds(trainer, batches, 3)
            yield Variant(f"train.precision={trainer.precision.name}", rate)
    if device.type == "cpu" and threads > 1:
        torch.set_num_threads(1)
        try:
            with passing_trainer(loaded, device, own) as trainer:
                yield Variant("OMP_NUM_THREADS=1", batch / _model_seconds(trainer, batches, 3))
        finally:
            torch.set_num_threads(threads)
    if compiled:
        with passing_trainer(loaded, device, own) as trainer:
            start = time.perf_counter()
            trainer.passes.module.compile()
            trainer.train_step(batches)
            _settle(device)
            prepared = time.perf_counter() - start
            rate = batch / _model_seconds(trainer, batches, 5)
            yield Variant("train.compile=true", rate, prepared)


def _settle(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows has no such module
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
