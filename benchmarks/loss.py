"""Time and memory of the VICReg loss beside lightly's and the authors' form, side by side in one run.

    python benchmarks/loss.py
    python benchmarks/loss.py --shape 256x8192 --rounds 10

Time is one forward and backward pass in float32, the best over all rounds. A round times every contender
once, in turn, so that a busy machine is busy for all; a contender faster than 0.2 seconds repeats its pass
for that long.

Memory is measured in a fresh process a contender: the peak of the resident set during one pass, less the
resident set just before it, with inputs made and libraries warm. It counts everything: gradients, temporaries
and the buffers inside the matrix library. The peak is the process's highest ever, so a peak reached while
loading, if higher, makes the figure too large, never too small.

Needs the extra ``bench``, and Linux for the memory.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

Criterion = Callable[[Tensor, Tensor], Tensor]

SHAPES = ["256x8192", "1024x8192", "256x2048", "512x512", "2048x2048", "4096x512", "8192x256"]
OURS, LIGHTLY, AUTHORS = "vicreg-suite", "lightly", "authors' form"


def authors_form(x: Tensor, y: Tensor) -> Tensor:
    """The loss as the authors' code computes it (weights 25, 25, 1), written out."""
    dims = x.shape[1]
    invariance = torch.nn.functional.mse_loss(x, y)
    x, y = x - x.mean(dim=0), y - y.mean(dim=0)
    std_x, std_y = torch.sqrt(x.var(dim=0) + 0.0001), torch.sqrt(y.var(dim=0) + 0.0001)
    variance = torch.relu(1 - std_x).mean() / 2 + torch.relu(1 - std_y).mean() / 2
    cov_x, cov_y = (x.T @ x) / (len(x) - 1), (y.T @ y) / (len(y) - 1)
    covariance = off_diagonal(cov_x).pow_(2).sum() / dims + off_diagonal(cov_y).pow_(2).sum() / dims
    return 25 * invariance + 25 * variance + covariance


def off_diagonal(square: Tensor) -> Tensor:
    n = square.shape[0]
    return square.flatten()[:-1].view(n - 1, n + 1)[:, 1:].flatten()


def build(name: str) -> Criterion:
    if name == AUTHORS:
        return authors_form
    if name == LIGHTLY:
        from lightly.loss import VICRegLoss as LightlyLoss

        return LightlyLoss()
    from vicreg_core import VICRegLoss

    return VICRegLoss()


def make_views(rows: int, dims: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(rows, dims, generator=generator) * 0.8
    b = a + 0.3 * torch.randn(rows, dims, generator=generator)
    return [a.requires_grad_(), b.requires_grad_()]


def one_pass(criterion: Criterion, views: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    loss = criterion(*views)
    return loss.detach(), list(torch.autograd.grad(loss, views))


def time_in_turn(criteria: dict[str, Criterion], views: list[Tensor], rounds: int) -> dict[str, float]:
    """Best seconds of a pass by contender."""
    best = dict.fromkeys(criteria, float("inf"))
    for _ in range(rounds):
        for name, criterion in criteria.items():
            until = time.perf_counter() + 0.2
            while True:
                start = time.perf_counter()
                one_pass(criterion, views)
                end = time.perf_counter()
                best[name] = min(best[name], end - start)
                if end > until:
                    break
    return best


def disagreement(criteria: dict[str, Criterion], views: list[Tensor]) -> float:
    """Largest relative difference of loss and gradient between ours and the others."""
    loss, gradients = one_pass(criteria[OURS], views)
    worst = 0.0
    for name in (LIGHTLY, AUTHORS):
        other, other_gradients = one_pass(criteria[name], views)
        worst = max(worst, abs(float(loss / other) - 1))
        for g, o in zip(gradients, other_gradients, strict=True):
            worst = max(worst, float((g - o).norm() / o.norm()))
    return worst


def peak_extra_bytes(name: str, rows: int, dims: int) -> int:
    """For a fresh process of its own: see the module's docstring."""
    criterion = build(name)
    for shape in [(8, 16), (16, 8), (64, 128)]:
        one_pass(criterion, make_views(*shape))
    views = make_views(rows, dims)
    gc.collect()
    before = resident_bytes("VmRSS")
    results = one_pass(criterion, views)
    extra = resident_bytes("VmHWM") - before
    del results
    return extra


def resident_bytes(field: str) -> int:
    """``VmRSS``, the resident set now, or ``VmHWM``, its highest ever, of this process.

    Not ``getrusage``: a child inherits its ``ru_maxrss`` from the process that started it.
    """
    with open("/proc/self/status", encoding="ascii") as stream:
        lines = dict(line.split(":", 1) for line in stream)
    return int(lines[field].split()[0]) * 1024


def measure_memory(name: str, shape: str, threads: int) -> float:
    """Peak extra MiB, in a fresh process."""
    command = [sys.executable, __file__, "--memory-of", name, "--shape", shape, "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout) / 2**20


def parse_shape(text: str) -> tuple[int, int]:
    rows, _, dims = text.partition("x")
    return int(rows), int(dims)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare the VICReg loss with its peers.")
    parser.add_argument("--shape", action="append", help="rows x dimensions, e.g. 256x8192; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-of", choices=[OURS, LIGHTLY, AUTHORS], help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    shapes = arguments.shape or SHAPES
    if arguments.memory_of:
        print(peak_extra_bytes(arguments.memory_of, *parse_shape(shapes[0])))
        return
    names = [OURS, LIGHTLY, AUTHORS]
    criteria = {name: build(name) for name in names}
    print(f"torch {torch.__version__}, {arguments.threads} threads, best of {arguments.rounds} rounds")
    print(f"{'':>10} | {'milliseconds, forward and backward':^54} | {'peak extra MiB':^54} | relative")
    columns = "".join(f"{name:>14}" for name in names) + f"{'ratios':>12}"
    print(f"{'N x D':>10} | {columns} | {columns} | difference")
    for shape in shapes:
        views = make_views(*parse_shape(shape))
        off = disagreement(criteria, views)
        seconds = time_in_turn(criteria, views, arguments.rounds)
        memory = {name: measure_memory(name, shape, arguments.threads) for name in names}
        print(
            f"{shape:>10} | {row([1e3 * seconds[name] for name in names])} "
            f"| {row([memory[name] for name in names])} | {off:.0e}",
            flush=True,
        )


def row(figures: list[float]) -> str:
    ratios = "/".join(f"{other / figures[0]:.1f}" for other in figures[1:])
    return "".join(f"{figure:14.1f}" for figure in figures) + f"{ratios:>12}"


if __name__ == "__main__":
    main()
