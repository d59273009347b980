"""How time and memory grow with the number of samples, and the loss' share of each of W processes.

``python benchmarks/scale.py [--most 1000000] [--dims 512] [--out scale.json]``

Each part is run at 10^4, 10^5, ... samples in a process of its own, so that its peak memory is its own; the
exponent is that of the time between the last two sizes. The loss is of N=1,024 samples in two views of
D=2,048 (Gram form) and D=256 (covariance form): bytes that collectives give a process and operations it does
by formula for W = 1 to 64, and as counted in W = 2 and 4 processes.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

BATCH, QUERIES, CLASSES = 256, 1000, 10
ROWS, WIDTHS = 1024, (2048, 256)


def plan(n: int, dims: int) -> None:
    """The first batch of an epoch in the middle of a run."""
    from vicreg_core.data.sampler import StepPlan

    StepPlan(n, BATCH, 0).global_batch(7 * (n // BATCH) + 3)


def stream_plan(n: int, dims: int) -> None:
    """The same of shards of 1,000 rows."""
    from vicreg_core.data.streams.plan import StreamPlan

    StreamPlan(np.full(n // 1000, 1000), BATCH, 0, lanes=8, buffer=8192).global_batch(5 * (n // BATCH) // 2)


def hashes(n: int, dims: int) -> None:
    """Keys of text ids, once a run."""
    from vicreg_core.contracts.keys import hash_ids

    hash_ids([f"sample-{i}" for i in range(n)])


def loader(n: int, dims: int) -> None:
    """Fifty steps of in-memory data of 64 numbers a sample."""
    from vicreg_core.contracts import Augmentation, DataInfo, DatasetAdapter
    from vicreg_core.data.loader import ViewLoader
    from vicreg_core.data.streams.plan import share_of

    class Numbers(DatasetAdapter):
        in_memory, info, ids = True, DataInfo(), np.arange(n)
        rows = torch.zeros(n, 64)

        def __getitems__(self, indices: Any) -> Any:
            return self.rows[torch.from_numpy(indices)]

    class Noise(Augmentation):
        def forward(self, batch: Any, keys: Any = None) -> Any:
            return batch + keys.normal("noise", 64)

    data = Numbers()
    for _ in ViewLoader(data, Noise(), share_of(data, BATCH, 0, 0, 1), views=2, device=torch.device("cpu"))(
        0, 50
    ):
        pass


def checkpoint(n: int, dims: int) -> None:
    """Of a model of 10^7 weights with AdamW: it knows nothing of the data."""
    from vicreg_core.runs.checkpoints import save_checkpoint

    state = {"step": 1, "model": {"w": torch.randn(3, 10**7)}}
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(Path(folder, "checkpoints"), 1, state, "mark", 1)


def knn(n: int, dims: int) -> None:
    """A thousand queries among all."""
    from vicreg_core.classifiers.knn import knn_probabilities

    bank, labels = _labelled(n, dims)
    knn_probabilities(bank, labels, bank[:QUERIES].copy(), CLASSES, ks=(20,))


def linear(n: int, dims: int) -> None:
    """A softmax regression on all, at one penalty."""
    from vicreg_core.classifiers.softmax import SoftmaxRegression

    bank, labels = _labelled(n, dims)
    SoftmaxRegression(torch.from_numpy(bank), torch.from_numpy(labels), CLASSES).fit(1.0)


def embedding(n: int, dims: int) -> None:
    """An MLP of two layers over in-memory samples."""
    from torch import nn

    from vicreg_core.contracts import Augmentation, DataInfo, DatasetAdapter, Encoder
    from vicreg_core.inference.embedder import Embedder

    class Numbers(DatasetAdapter):
        in_memory, info, ids = True, DataInfo(), np.arange(n)
        rows = torch.zeros(n, 64)

        def __getitems__(self, indices: Any) -> Any:
            return self.rows[torch.from_numpy(np.asarray(indices))]

    class Same(Augmentation):
        def forward(self, batch: Any, keys: Any = None) -> Any:
            return batch

    class MLP(Encoder):
        embedding_dim = dims

        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, dims))

        def forward(self, batch: Any) -> Any:
            return self.layers(batch)

    Embedder(MLP(), Same(), device=torch.device("cpu")).embed(Numbers())


def _labelled(n: int, dims: int) -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, CLASSES, n)
    bank = generator.standard_normal((n, dims), dtype=np.float32)
    bank[np.arange(n), labels] += 2
    return bank, labels


PARTS: dict[str, tuple[Callable[[int, int], None], float]] = {
    "plan": (plan, math.inf),
    "stream plan": (stream_plan, math.inf),
    "hashes of ids": (hashes, math.inf),
    "loader, 50 steps": (loader, math.inf),
    "checkpoint": (checkpoint, 1e5),
    "embedding": (embedding, 1e6),
    "kNN": (knn, 1e6),
    "linear": (linear, 1e6),
}
"""What is measured, and the most samples it is measured at."""


def growth(part: str, most: int, dims: int) -> list[dict[str, float]]:
    """Seconds and memory at each decade."""
    found = []
    for exponent in range(4, 1 + round(math.log10(min(most, PARTS[part][1])))):
        command = [sys.executable, __file__, "--part", part, "--rows", str(10**exponent), "--dims", str(dims)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found.append({"rows": 10**exponent, **json.loads(done.stdout.splitlines()[-1])})
    return found


def exponent(found: list[dict[str, float]]) -> float:
    """Of the time, between the last two sizes."""
    if len(found) < 2:
        return math.nan
    first, last = found[-2:]
    return math.log10(last["seconds"] / first["seconds"]) / math.log10(last["rows"] / first["rows"])


def by_formula(dims: int, processes: int) -> dict[str, float]:
    """What collectives give one process, and what it does, for the covariance terms of two views."""
    own = ROWS // processes
    gram = dims >= ROWS
    moved = ROWS * dims if gram else dims * dims
    width = ROWS if gram else dims
    return {
        "bytes": 2 * 4 * moved * (processes > 1),
        "forward": 2 * 2 * own * width * dims,
        "backward": 2 * 2 * own * width * dims,
    }


def counted(dims: int, folder: Path) -> None:
    """The same by counters, in every process of a group."""
    from torch.utils.flop_counter import FlopCounterMode

    from vicreg_core.distributed import rank, world_size
    from vicreg_core.objectives import global_batch
    from vicreg_core.objectives.vicreg import VICRegLoss

    moved = [0]

    def counting(function: Callable[..., Any], size: Callable[..., int]) -> Callable[..., Any]:
        def wrapped(tensor: Any, *more: Any) -> Any:
            result = function(tensor, *more)
            moved[0] += size(result)
            return result

        return wrapped

    def large(tensor: Any) -> int:
        return tensor.nbytes if tensor.ndim == 2 and tensor.numel() >= dims * min(dims, ROWS) else 0

    global_batch.all_reduce_sum = counting(global_batch.all_reduce_sum, large)
    global_batch.gather_rows = counting(global_batch.gather_rows, large)
    views = [torch.randn(ROWS // world_size(), dims, requires_grad=True) for _ in range(2)]
    with FlopCounterMode(display=False) as counter:
        VICRegLoss()(*views)
    if rank() == 0:
        told = {"bytes": moved[0], "forward": counter.get_total_flops()}
        (folder / "counted.json").write_text(json.dumps(told))


def share_of_each() -> list[dict[str, Any]]:
    """By formula, and as counted where a machine of two cores can play the processes."""
    from vicreg_core.training.processes.launch import spawn

    rows = []
    for dims in WIDTHS:
        for processes in (1, 2, 4, 8, 16, 32, 64):
            row: dict[str, Any] = {"dims": dims, "processes": processes, **by_formula(dims, processes)}
            if processes in (2, 4):
                with tempfile.TemporaryDirectory() as folder:
                    spawn(counted, (dims, Path(folder)), processes, "cpu")
                    row["counted"] = json.loads(Path(folder, "counted.json").read_text())
            rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--dims", type=int, default=512)
    parser.add_argument("--out", type=Path, default=Path("scale.json"))
    parser.add_argument("--part", choices=PARTS, help="one alone, as JSON, at --rows")
    parser.add_argument("--rows", type=int)
    options = parser.parse_args()
    if options.part:
        PARTS[options.part][0](1000, 16)  # what is imported and allocated once
        start = time.perf_counter()
        PARTS[options.part][0](options.rows, options.dims)
        seconds = time.perf_counter() - start
        peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({"seconds": seconds, "peak": peak}))
        return
    report: dict[str, Any] = {"growth": {}}
    for part in PARTS:
        found = report["growth"][part] = growth(part, options.most, options.dims)
        cells = "  ".join(
            f"10^{round(math.log10(f['rows']))}: {f['seconds']:8.4f} s {f['peak'] / 2**20:6.0f} MiB"
            for f in found
        )
        print(f"{part:18} {cells}  exponent {exponent(found):.2f}", flush=True)
        options.out.write_text(json.dumps(report, indent=1))
    report["loss"] = share_of_each()
    for row in report["loss"]:
        told = row.get("counted")
        beside = f"; counted {told['bytes'] / 1e6:.2f} MB, {told['forward'] / 1e9:.3f} GFLOP" if told else ""
        print(
            f"D={row['dims']:5} W={row['processes']:3}: {row['bytes'] / 1e6:7.2f} MB, forward "
            f"{row['forward'] / 1e9:.3f} GFLOP, backward {row['backward'] / 1e9:.3f}{beside}",
            flush=True,
        )
    options.out.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
