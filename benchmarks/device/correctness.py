"""Whether the device computes what the CPU does: keys, views, loss, resume, precision, compile."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from torch import Tensor

from device.images import images_of, two_views
from device.scale import Figures, Scale
from vicreg_core import VICRegLoss
from vicreg_core.contracts import Keys
from vicreg_core.recipes.load import load_recipe
from vicreg_core.runs.directory import RunDirectory
from vicreg_core.training.session import train_run


def measure(scale: Scale) -> Figures:
    return [keys(scale), *losses(scale), made_views(scale), *trainings(scale)]


def passed(what: str, error: float, bound: float) -> dict[str, object]:
    return {
        "what": what,
        "error": error,
        "bound": bound,
        **({} if error <= bound else {"failed": "beyond the bound"}),
    }


def keys(scale: Scale) -> dict[str, object]:
    ids = torch.arange(4096)
    here, there = Keys.of(3, 1, ids, 1), Keys.of(3, 1, ids, 1).to(scale.device)
    unlike = [
        float((here.bits("x", 7) != there.bits("x", 7).cpu()).sum()),
        float((here.uniform("x", 7) != there.uniform("x", 7).cpu()).sum()),
        float((here.integers("x", 10, 7) != there.integers("x", 10, 7).cpu()).sum()),
    ]
    return passed("keys that differ from the CPU's", sum(unlike), 0.0)


def losses(scale: Scale) -> Figures:
    """Loss and gradient in float32 on the device against float64 on the CPU, for N <= D and N > D."""
    figures = []
    for rows, dims in ((64, 512), (512, 64)):
        generator = torch.Generator().manual_seed(0)
        a = torch.randn(rows, dims, generator=generator, dtype=torch.float64) * 0.8
        pair = [a, a + 0.3 * torch.randn(rows, dims, generator=generator, dtype=torch.float64)]
        exact, exact_gradients = loss_and_gradients([z.clone() for z in pair])
        found, gradients = loss_and_gradients([z.to(scale.device, torch.float32) for z in pair])
        worst = abs(float(found) / float(exact) - 1)
        for g, e in zip(gradients, exact_gradients, strict=True):
            worst = max(worst, float((g.cpu().double() - e).norm() / e.norm()))
        figures.append(passed(f"loss and gradient, {rows} x {dims}, relative to float64", worst, 1e-5))
    return figures


def loss_and_gradients(views: list[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
    views = [z.requires_grad_() for z in views]
    loss = VICRegLoss()(*views)
    return loss.detach(), torch.autograd.grad(loss, views)


def made_views(scale: Scale) -> dict[str, object]:
    """Views of the same keys on both devices; the largest difference in units of the normalised image."""
    data, augmentation = images_of(32, 64)
    batch = data.__getitems__(range(64))
    here = two_views(augmentation, batch, torch.device("cpu"))
    there = two_views(augmentation, batch, scale.device)
    return passed(
        "views", max(float((h - t.cpu()).abs().max()) for h, t in zip(here, there, strict=True)), 1e-3
    )


def trainings(scale: Scale) -> Figures:
    """Short runs of the quickstart: resumed, in each precision, compiled."""
    with tempfile.TemporaryDirectory() as folder:
        whole = weights(scale, Path(folder, "whole"), 10)
        weights(scale, Path(folder, "parts"), 10, stop_at=5)
        resumed = weights(scale, Path(folder, "parts"), 10)
        again = weights(scale, Path(folder, "again"), 10)
        figures = [
            passed("ten steps twice", distance(whole, again), 0.0),
            passed("five steps, resumed for five more", distance(whole, resumed), 0.0),
        ]
        for precision, bound in (("bfloat16", 0.1), ("float16", 0.2)):
            if scale.on_gpu or precision == "bfloat16":
                found = weights(scale, Path(folder, precision), 10, f"train.precision={precision}")
                figures.append(
                    passed(f"ten steps in {precision} against float32", distance(whole, found), bound)
                )
        if scale.on_gpu:
            found = weights(scale, Path(folder, "compiled"), 10, "train.compile=true")
            figures.append(passed("ten steps compiled", distance(whole, found), 5e-2))
        return figures


def weights(
    scale: Scale, out: Path, steps: int, *overrides: str, stop_at: int | None = None
) -> dict[str, Tensor]:
    """The weights after so many steps; ``stop_at`` leaves a run that was stopped there."""
    from safetensors.torch import load_file

    given = [
        f"train.steps={steps}",
        "train.epochs=null",
        f"train.device={scale.device}",
        "train.precision=float32",
        "train.deterministic=true",
        "train.checkpoint_every=5",
        "train.batch_size=64",
        "encoder.width=16",
        "projector.dims=[64,64]",
        "monitor.probes=0",
        *overrides,
    ]
    run = RunDirectory(out)
    if stop_at is not None:
        stop_after(stop_at)
    try:
        train_run(load_recipe("vision/quickstart", given), run, resume=out.exists(), overwrite=False)
    except _StoppedError:
        return {}
    finally:
        stop_after(None)
    return load_file(run.model / "model.safetensors")


class _StoppedError(Exception):
    pass


def stop_after(step: int | None) -> None:
    """Have every trainer end after a checkpoint, as a kill there would; ``None`` undoes it."""
    from vicreg_core.training.trainer import Trainer

    original = getattr(Trainer.save, "original", Trainer.save)
    if step is None:
        Trainer.save = original  # type: ignore[method-assign]
        return

    def save(self: Trainer) -> None:
        original(self)
        if self.step == step:
            raise _StoppedError

    save.original = original  # type: ignore[attr-defined]
    Trainer.save = save  # type: ignore[method-assign]


def distance(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """The relative difference of all floating weights together."""
    names = [name for name in one if one[name].is_floating_point()]
    a, b = (torch.cat([of[name].double().flatten() for name in names]) for of in (one, other))
    return float((a - b).norm() / a.norm())
