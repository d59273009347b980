"""Memory and time of a step: the whole batch at once, in micro-batches, with activation checkpointing.

``python benchmarks/micro_batch.py [--batch 1024] [--micro 128] [--side 64] [--steps 2]``

ResNet-18 and a projector on digits at ``side`` pixels, each way in a process of its own. Memory is what the
peak of the process lies above where it stood before the first step, with model, views and data already there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

WAYS = {
    "whole batch": [],
    "activation checkpointing": ["train.activation_checkpointing=true"],
    "micro-batches": ["train.micro_batch={micro}"],
    "both": ["train.micro_batch={micro}", "train.activation_checkpointing=true"],
}


def measure(options: argparse.Namespace) -> None:
    """One way, printed as JSON."""
    from vicreg_core.models.precision import resolve_device
    from vicreg_core.recipes.load import load_recipe
    from vicreg_core.training.session import passing_trainer

    overrides = [
        "encoder={name: vision/resnet18, stem: imagenet}",
        f"augmentation.size={options.side}",
        f"train.batch_size={options.batch}",
        "projector.dims=[512, 512]",
        "train.precision=float32",
        "monitor.probes=0",
        *(each.format(micro=options.micro) for each in WAYS[options.way]),
    ]
    loaded = load_recipe("vision/quickstart", overrides)
    device = resolve_device(loaded.recipe.train.device)
    with passing_trainer(loaded, device) as trainer:
        views = next(trainer.batches(1))
        before = _now()
        trainer.train_step(views)
        times = []
        for _ in range(options.steps):
            start = time.perf_counter()
            trainer.train_step(views)
            times.append(time.perf_counter() - start)
        print(json.dumps({"memory": _peak() - before, "seconds": min(times)}), flush=True)


def _peak() -> int:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return _status("VmHWM")


def _now() -> int:
    import torch

    return torch.cuda.memory_allocated() if torch.cuda.is_available() else _status("VmRSS")


def _status(field: str) -> int:
    """Bytes, of this process, by Linux."""
    line = next(each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith(field))
    return 1024 * int(line.split()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--micro", type=int, default=128)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--way", choices=WAYS, help="one alone, as JSON")
    options = parser.parse_args()
    if options.way:
        measure(options)
        return
    figures = {}
    for way in WAYS:
        done = subprocess.run(
            [sys.executable, *sys.argv, "--way", way], stdout=subprocess.PIPE, text=True, check=True
        )
        own = figures[way] = json.loads(done.stdout.splitlines()[-1])
        whole = figures["whole batch"]
        print(
            f"{way:26} {own['memory'] / 2**20:8.0f} MiB ({own['memory'] / whole['memory']:.3f})  "
            f"{own['seconds']:7.2f} s a step ({own['seconds'] / whole['seconds']:.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
