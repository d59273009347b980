"""Training as the suite does it, from images in memory, beside the same step on views that lie ready."""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from device.images import images_of
from device.scale import Figures, Scale
from vicreg_core.data.batch import to_channels_last
from vicreg_core.models.precision import resolve_precision
from vicreg_core.plugins.loading import load_target
from vicreg_core.plugins.registry import load_registry
from vicreg_core.recipes.load import load_recipe
from vicreg_core.runs.directory import RunDirectory
from vicreg_core.training.components import Components, build_components
from vicreg_core.training.progress import Progress
from vicreg_core.training.session import build_trainer
from vicreg_core.training.trainer import Trainer

CASES = {
    "ResNet-18, 32 px": (32, 512, 50, ["encoder={name: vision/resnet18, stem: small}"]),
    "ResNet-50, 224 px": (224, 256, 20, ["encoder={name: vision/resnet50, stem: imagenet}"]),
    "ViT-S/16, 224 px": (224, 256, 20, ["encoder={name: vision/vit, image_size: 224}"]),
}
SMALL = {"small CNN, 32 px": (32, 32, 4, [])}


def measure(scale: Scale) -> Figures:
    figures = []
    for name, (size, batch, steps, options) in (SMALL if scale.small else CASES).items():
        figures.append({"network": name, **one(scale, size, batch, steps, options, scale.compiled)})
        print(f"  {figures[-1]}", flush=True)
        if scale.on_gpu:
            torch.cuda.empty_cache()
    return figures


def one(
    scale: Scale, size: int, batch: int, steps: int, options: list[str], compiled: bool
) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        trainer = trainer_of(scale, Path(folder, "run"), size, batch, 3 * steps, options, compiled)
        views = [torch.randn(batch, 3, size, size, device=scale.device) for _ in range(2)]
        ready = [to_channels_last(view) for view in views] if trainer.channels_last else views
        if scale.on_gpu:
            torch.cuda.reset_peak_memory_stats(scale.device)
        ceiling = batch / scale.seconds_of(lambda: trainer.train_step(ready), rounds=steps)
        flops = None
        if not compiled:
            with FlopCounterMode(display=False) as counter:
                trainer.train_step(ready)
            flops = counter.get_total_flops() / batch
        trainer.fit()
        lines = Path(folder, "run", "metrics.jsonl").read_text().splitlines()
    rates = [json.loads(line)["samples_per_second"] for line in lines]
    rate = statistics.median(rate for rate in rates[1:] if rate)
    found: dict[str, object] = {
        "batch": batch,
        "samples/s": rate,
        "ceiling": ceiling,
        "share": rate / ceiling,
    }
    if flops is not None:
        found["GFLOP a sample"] = flops / 1e9
        if scale.peak:
            found["of the peak"] = rate * flops / scale.peak
    if scale.on_gpu:
        found["peak GiB"] = torch.cuda.max_memory_allocated(scale.device) / 2**30
    return found


def trainer_of(
    scale: Scale, out: Path, size: int, batch: int, steps: int, options: list[str], compiled: bool
) -> Trainer:
    given = [
        *options,
        f"train.steps={steps}",
        "train.epochs=null",
        f"train.batch_size={batch}",
        f"train.device={scale.device}",
        f"train.compile={str(compiled).lower()}",
        "train.log_every=5" if not scale.small else "train.log_every=2",
        f"train.checkpoint_every={steps}",
        "monitor.probes=0",
        "projector.dims=[2048,2048,2048]" if not scale.small else "projector.dims=[64]",
        "optimizer={name: adamw, lr: 1e-4}",
    ]
    loaded = load_recipe("vision/quickstart", given)
    data, augmentation = images_of(size, 4 * batch)
    made = build_components(loaded)
    build = load_target(load_registry().get("encoder", loaded.recipe.encoder.name))
    encoder = build(loaded.configs["encoder"], data.info)
    components = Components(data=data, augmentation=augmentation, encoder=encoder, objective=made.objective)
    precision = resolve_precision("auto", scale.device)
    out.mkdir()
    return build_trainer(loaded, components, scale.device, precision, RunDirectory(out), Progress(None))
