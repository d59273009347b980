"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from vicreg_core.contracts import Batch, Encoder
from vicreg_core.contracts.keys import mix_int, stream_id
from vicreg_core.data.batch import to_channels_last
from vicreg_core.data.loader import ViewLoader
from vicreg_core.distributed import barrier, broadcast_object, on_first, rank, world_size
from vicreg_core.errors import RecipeError, TrainingFailed, TrainingInterrupted
from vicreg_core.models.batch_norm import synchronise_batch_norm
from vicreg_core.models.joint_embedding import JointEmbedding, ViewOutputs
from vicreg_core.models.precision import Precision
from vicreg_core.models.recompute import recompute_blocks
from vicreg_core.objectives.base import Objective, Terms
from vicreg_core.optim.build import build_optimizer, peak_learning_rate
from vicreg_core.optim.schedules import learning_rate
from vicreg_core.recipes.schema import Recipe
from vicreg_core.runs.checkpoints import checkpoint_path, prune, restore_newest, save_checkpoint
from vicreg_core.runs.directory import RunDirectory
from vicreg_core.runs.metrics import MetricsFile
from vicreg_core.training.failure import Watch, ended_early, explain_non_finite
from vicreg_core.training.monitor import CollapseMonitor
from vicreg_core.training.passes import build_passes
from vicreg_core.training.probe import OnlineProbe
from vicreg_core.training.processes.signals import StopSignals
from vicreg_core.training.progress import Progress
from vicreg_core.training.supplies import Supplies


class StepOutcome(NamedTuple):
    """What one step leaves behind for the log."""

    terms: Terms
    outputs: ViewOutputs
    grad_norm: float
    lr: float


class Trainer:
    """Trains a joint embedding by a recipe, in one process or as one of several.

    Args:
        recipe: the resolved recipe.
        fingerprint: identifies the recipe in checkpoints.
        model: encoder and projector, on the CPU.
        objective: the loss.
        loader: yields the views of each step on the training device.
        precision: dtype of the forward pass.
        run: where checkpoints and metrics go.
        progress: tells the user how it goes.
        probe: scored now and then, in the first process only.
        watch: shown each logged record; a reason that it gives in the first process ends the run.
    """

    def __init__(
        self,
        recipe: Recipe,
        fingerprint: str,
        model: JointEmbedding,
        objective: Objective,
        loader: ViewLoader,
        precision: Precision,
        run: RunDirectory,
        progress: Progress,
        probe: OnlineProbe | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.recipe, self.fingerprint, self.run, self.progress = recipe, fingerprint, run, progress
        self.loader, self.precision, self.device = loader, precision, loader.device
        self.probe, self.watch = probe, watch
        plan = loader.share.plan
        self.total_steps = recipe.train.steps or (recipe.train.epochs or 0) * plan.steps_per_epoch
        self.checkpoint_every = recipe.train.checkpoint_every or plan.steps_per_epoch
        self.step = 0
        self.saved = 0

        self.channels_last = model.encoder.channels_last
        model = model.to(self.device)
        if self.channels_last:
            model = model.to(memory_format=torch.channels_last)
        if world_size() > 1:
            model = cast(JointEmbedding, synchronise_batch_norm(model, self.device.type))
        if recipe.train.activation_checkpointing and not recompute_blocks(model.encoder):
            raise RecipeError(
                f"train.activation_checkpointing: encoder {recipe.encoder.name} is not built of blocks that "
                "could be computed again; set it to false, or set train.micro_batch"
            )
        self.model = model
        self.objective = objective.to(self.device)
        self.passes = build_passes(recipe.train, model, loader.share, precision, self.device)
        self.supplies = Supplies(self.objective, model, loader, self.passes, self.total_steps)
        self.trained = torch.nn.ModuleList([self.model, self.objective])
        self.optimizer = build_optimizer(recipe.optimizer, self.trained)
        self.scaler = precision.scaler()
        self.average = self._build_average(recipe.train.ema)
        self.monitor = CollapseMonitor(recipe.monitor.window, recipe.train.log_every, objective)
        self.metrics = MetricsFile(run.metrics)

    def fit(self) -> None:
        """Train from the present step to the last, writing metrics and checkpoints.

        Raises:
            TrainingFailed: on a non-finite loss or gradient, before it reaches the weights; on a collapse
                with ``monitor.on_collapse: stop``.
            TrainingPruned: when what watches it says so.
            TrainingInterrupted: on SIGINT or SIGTERM, after the step at hand and its checkpoint.
            RunError: when the disk refuses.
        """
        with StopSignals() as signals, self.progress.training(self.step, self.total_steps):
            for batches in self.progress.watched(self.batches(self.total_steps)):
                outcome = self.train_step(batches)
                self.step += 1
                self.monitor.observe(self.step, outcome.outputs)
                last = self.step == self.total_steps
                if last or self.step % self.recipe.train.log_every == 0:
                    self.log(outcome)
                if last or self.step % self.checkpoint_every == 0:
                    self.save()
                if not last and (number := signals.agreed(self.device)):
                    self.save()
                    raise TrainingInterrupted(f"stopped by a signal after step {self.step:,}", number)

    def train_step(self, batches: list[Batch]) -> StepOutcome:
        """One optimiser step on one global batch: its views, and clean samples where they are needed."""
        lr = self._set_learning_rate()
        seed = mix_int(self.recipe.seed, stream_id("model"), self.step, rank())
        outputs = self.passes.outputs(batches[: self.loader.views], seed)
        terms = self.objective.of_step(self.supplies.of_step(self.step, batches, outputs))
        self.backward(terms.loss)
        norm = self._clip_gradients()
        loss, grad_norm = torch.stack([terms.loss.detach().float(), norm.float()]).tolist()
        # A scaled float16 gradient overflows now and then: the scaler skips that step and lowers its scale.
        if not math.isfinite(loss) or (not math.isfinite(grad_norm) and not self.scaler.is_enabled()):
            raise TrainingFailed(
                explain_non_finite(self.step, loss, grad_norm, lr, outputs, self.run.checkpoints)
            )
        self.update()
        return StepOutcome(terms, outputs, grad_norm, lr)

    def backward(self, loss: Tensor) -> None:
        """Gradients of a loss, unscaled."""
        self.scaler.scale(loss).backward()
        self.passes.finish()
        self.scaler.unscale_(self.optimizer)

    def update(self) -> None:
        """Move weights and averages by the gradients at hand, which are then gone."""
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update_parameters(self.model.encoder)
        self.supplies.follow(self.step)

    def log(self, outcome: StepOutcome) -> None:
        """Diagnose, write the metrics record, tell the user; stop where the recipe or the watch says so."""
        diagnostics = self.monitor.diagnose(self.step)
        collapse = self.monitor.collapse()
        record: dict[str, Any] = {
            "step": self.step,
            "epoch": round(self.step / self.loader.share.plan.steps_per_epoch, 4),
            **{name: float(value) for name, value in outcome.terms.named().items()},
            **diagnostics,
            "lr": outcome.lr,
            "grad_norm": outcome.grad_norm,
            "collapse": collapse.kind if collapse else None,
        }
        if rank() == 0:
            rate, waiting = self.progress.rate(self.step, self.recipe.train.batch_size), self.progress.waiting
            record |= self._probed()
            timing = {"samples_per_second": rate, "waiting": waiting, "time": round(time.time(), 3)}
            self.metrics.append({**record, **timing})
            self.progress.logged(self.step, record, rate)
            if collapse:
                self.progress.warn_once(f"{collapse.kind}-{collapse.since}", collapse.message)
        stop = self.recipe.monitor.on_collapse == "stop"
        if (stop or self.watch) and (
            ended := broadcast_object(ended_early(record, collapse if stop else None, self.watch))
        ):
            self.save()
            raise ended.kind(f"{ended.why}; kept {checkpoint_path(self.run.checkpoints, self.step)}")

    def _probed(self) -> dict[str, Any]:
        """The online probe's figures, where it is due at this logged step."""
        previous = (self.step - 1) // self.recipe.train.log_every * self.recipe.train.log_every
        if self.probe is None or not self.probe.is_due(self.step, previous, self.total_steps):
            return {}
        score = self.probe(self.encoder)
        # Asked a second time at one step, it only starts the clock anew: the probe is not training.
        self.progress.rate(self.step, self.recipe.train.batch_size)
        return {"probe_knn": score.accuracy, "probe_chance": score.chance, "probe_n": score.n}

    def save(self) -> None:
        """Write the checkpoint of the present step, from the first process; once, whoever asks."""
        if rank() == 0 and self.saved != self.step:
            state = {
                "step": self.step,
                "model": self.model.state_dict(),
                "objective": self.objective.state_dict(),
                "supplies": self.supplies.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scaler": self.scaler.state_dict(),
                "average": self.average.state_dict() if self.average is not None else None,
                "monitor": self.monitor.state_dict(),
            }
            keep = self.recipe.train.keep_checkpoints
            save_checkpoint(self.run.checkpoints, self.step, state, self.fingerprint, keep)
        self.saved = self.step
        barrier()

    def restore(self) -> int:
        """Continue from the newest whole checkpoint if there is one; returns the step reached.

        Raises:
            RunError: there are checkpoints, and none can be continued from.
        """
        # One process looks first, so that all of them then find the same one.
        on_first(lambda: self._restore(self.progress.say))
        if rank() > 0:
            self._restore(lambda _: None)
        if rank() == 0:
            prune(self.run.checkpoints, self.recipe.train.keep_checkpoints)
            self.metrics.truncate_after(self.step, self.progress.say)
        return self.step

    def _restore(self, say: Callable[[str], None]) -> None:
        restore_newest(self.run.checkpoints, self.fingerprint, self.device, self._load_state, say)

    def _load_state(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        # A checkpoint of an earlier version has none of what its objectives did not have either.
        self.objective.load_state_dict(state.get("objective", {}))
        self.supplies.load_state_dict(state.get("supplies"))
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.monitor.load_state_dict(state["monitor"])
        self.step = self.saved = int(state["step"])

    def batches(self, stop: int) -> Iterator[list[Batch]]:
        """What the loader gives for each step from the present one to ``stop - 1``, as the model takes it."""
        for batches in self.loader(self.step, stop):
            yield [to_channels_last(batch) for batch in batches] if self.channels_last else batches

    def _set_learning_rate(self) -> float:
        section = self.recipe.optimizer
        lr = learning_rate(
            self.step,
            self.total_steps,
            peak=peak_learning_rate(section, self.recipe.train.batch_size),
            warmup=section.warmup,
            schedule=section.schedule,
            final=section.final_lr,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        return lr

    def _clip_gradients(self) -> Tensor:
        """The total gradient norm before clipping; gradients are touched only where the recipe clips."""
        parameters = [p for p in self.trained.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        if (limit := self.recipe.optimizer.clip_grad_norm) is not None:
            torch.nn.utils.clip_grads_with_norm_(parameters, limit, norm)
        return norm

    def _build_average(self, decay: float | None) -> AveragedModel | None:
        if decay is None:
            return None
        return AveragedModel(self.model.encoder, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)

    @property
    def encoder(self) -> Encoder:
        """The encoder to export: the averaged copy where the recipe keeps one."""
        return self.model.encoder if self.average is None else cast(Encoder, self.average.module)
