"""Time of the objectives beside lightly's of the same name, and whether they are the same numbers.

    python benchmarks/objectives.py
    python benchmarks/objectives.py --shape 1024x2048 --rounds 10

Time is one forward and backward pass in float32, the best over all rounds, in which each contender runs once
in turn. The difference is that of the losses, relative, and of the gradients, by their norm. lightly's Barlow
Twins standardises by the unbiased deviation where the authors' code, and this suite, take the biased one and
add 1e-5 to the variance; it is given the same embeddings, so some difference is its due.

Needs the extra ``bench``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from vicreg_core.objectives.barlow_twins import BarlowTwinsLoss
from vicreg_core.objectives.base import StepInputs, Widths
from vicreg_core.objectives.contrastive import InfoNCELoss, SupConLoss
from vicreg_core.objectives.learned.predictive import BYOLLoss, SimSiamLoss
from vicreg_core.objectives.sigreg import SIGRegLoss
from vicreg_core.objectives.vicreg import VICRegLoss

Criterion = Callable[[Tensor, Tensor], Tensor]


def contenders(dims: int) -> dict[str, tuple[Criterion, Criterion | None]]:
    """Ours, and lightly's where it has one, by name; both predict with the same weights."""
    from lightly import loss as lightly

    torch.manual_seed(0)
    simsiam, byol, cosine = SimSiamLoss(), BYOLLoss(), lightly.NegativeCosineSimilarity()
    for objective in (simsiam, byol):
        objective.prepare(Widths(dims, dims))
    standardise = nn.BatchNorm1d(dims, affine=False)

    def predicted(a: Tensor, b: Tensor) -> Tensor:
        """SimSiam's step: the projector's last batch norm, the predictor, both directions."""
        a, b = standardise(a), standardise(b)
        p, q = simsiam.predictor(a), simsiam.predictor(b)
        return (cosine(p, b.detach()) + cosine(q, a.detach())) / 2

    def from_average(a: Tensor, b: Tensor) -> Tensor:
        """BYOL's, with the embeddings themselves as those of the moving average."""
        p, q = byol.predictor(a), byol.predictor(b)
        return 2 + cosine(p, b.detach()) + cosine(q, a.detach())

    def of(objective: Callable[..., Tensor]) -> Criterion:
        return lambda a, b: objective([a, b])

    return {
        "core/vicreg": (of(VICRegLoss()), lightly.VICRegLoss()),
        "core/info-nce": (of(InfoNCELoss(0.2)), lightly.NTXentLoss(temperature=0.2)),
        "core/supcon": (of(SupConLoss(0.2)), None),
        "core/barlow-twins": (of(BarlowTwinsLoss(0.005)), lightly.BarlowTwinsLoss(lambda_param=0.005)),
        "core/sigreg": (of(SIGRegLoss()), None),
        "core/simsiam": (of(simsiam), predicted),
        "core/byol": (
            lambda a, b: byol.of_step(StepInputs([a, b], averages=[a.detach(), b.detach()])).loss,
            from_average,
        ),
    }


def one_pass(criterion: Criterion, views: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    loss = criterion(*views)
    return loss.detach(), list(torch.autograd.grad(loss, views))


def seconds_of(criterion: Criterion, views: list[Tensor]) -> float:
    start = time.perf_counter()
    one_pass(criterion, views)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="256x2048", help="rows x dimensions")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows, dims = map(int, options.shape.split("x"))
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(rows, dims, generator=generator)
    second = first + 0.5 * torch.randn(rows, dims, generator=generator)
    views = [first.requires_grad_(), second.requires_grad_()]
    print(f"{rows} x {dims}, torch {torch.__version__}, {options.threads} threads, best of {options.rounds}")
    print(f"{'objective':18}{'ms':>8}{'lightly ms':>12}{'ratio':>8}{'loss differs':>14}{'gradient':>10}")
    for name, (ours, theirs) in contenders(dims).items():
        pair = [each for each in (ours, theirs) if each is not None]
        times = [[seconds_of(each, views) for each in pair] for _ in range(options.rounds)]
        best = [1000 * min(column) for column in zip(*times, strict=True)]
        line = f"{name:18}{best[0]:8.1f}"
        if theirs is not None:
            (loss, gradients), (other, others) = (one_pass(each, views) for each in pair)
            apart = max(float((g - o).norm() / o.norm()) for g, o in zip(gradients, others, strict=True))
            line += (
                f"{best[1]:12.1f}{best[1] / best[0]:8.2f}{abs(float(loss / other) - 1):14.0e}{apart:10.0e}"
            )
        print(line, flush=True)


if __name__ == "__main__":
    main()
