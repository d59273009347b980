"""The objectives beside VICReg: their papers' formulas in float64, gradients, and N processes equal one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from tests.objectives.processes import own_rows, run_processes
from tests.objectives.reference import random_views, relative_error
from vicreg_core.objectives.barlow_twins import BarlowTwinsLoss
from vicreg_core.objectives.base import Objective, StepInputs
from vicreg_core.objectives.contrastive import InfoNCELoss, SupConLoss
from vicreg_core.objectives.mixed import Added, MixedObjective
from vicreg_core.objectives.sigreg import SIGRegLoss
from vicreg_core.objectives.vicreg import VICRegLoss

LABELS = [0, 1, -1, 1, 0, 2, -1, 0, 1, 2, 2, -1, 0]


def contrastive(views: Sequence[Tensor], temperature: float, labels: Sequence[int] | None = None) -> Tensor:
    """SupCon, Eq. 2, anchor by anchor; without labels NT-Xent."""
    rows = len(views[0])
    flat = [view[i] / view[i].norm() for view in views for i in range(rows)]
    owner = [i for _ in views for i in range(rows)]
    classes = [f"own {i}" if labels is None or labels[i] < 0 else f"class {labels[i]}" for i in owner]
    losses = []
    for i, anchor in enumerate(flat):
        scores = [anchor @ other / temperature for other in flat]
        denominator = torch.stack([s for k, s in enumerate(scores) if k != i]).exp().sum().log()
        positives = [s for k, s in enumerate(scores) if k != i and classes[k] == classes[i]]
        losses.append(denominator - torch.stack(positives).mean())
    return torch.stack(losses).mean()


def barlow_twins(views: Sequence[Tensor], redundancy: float, scale: float) -> Tensor:
    """Eq. 1, entry by entry."""
    pairs = []
    for a, b in combinations(views, 2):
        total = torch.zeros((), dtype=torch.float64)
        for i in range(a.shape[1]):
            for j in range(a.shape[1]):
                x, y = a[:, i] - a[:, i].mean(), b[:, j] - b[:, j].mean()
                deviations = (x.pow(2).mean() + 1e-5).sqrt() * (y.pow(2).mean() + 1e-5).sqrt()
                entry = (x * y).mean() / deviations
                total = total + ((1 - entry) ** 2 if i == j else redundancy * entry**2)
        pairs.append(scale * total)
    return torch.stack(pairs).mean()


def sigreg(views: Sequence[Tensor], weight: float, directions: Tensor, knots: int) -> Tensor:
    """The statistic by complex exponentials over the whole interval from -3 to 3."""
    t = torch.linspace(-3, 3, 2 * knots - 1, dtype=torch.float64)
    statistics = []
    for view in views:
        for direction in directions.T:
            phase = torch.outer(t, view @ direction)
            apart = (torch.exp(1j * phase).mean(dim=1) - torch.exp(-t * t / 2)).abs() ** 2
            statistics.append(len(view) * torch.trapezoid(apart * torch.exp(-t * t / 2), t))
    centre = sum(views) / len(views)
    invariance = torch.stack([(view - centre).pow(2).mean() for view in views]).mean()
    return (1 - weight) * invariance + weight * torch.stack(statistics).mean()


def directions_of(seed: int, dims: int, count: int) -> Tensor:
    drawn = torch.randn(dims, count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return drawn / drawn.norm(dim=0)


Reference = Callable[[Sequence[Tensor]], Tensor]
CASES: dict[str, tuple[Callable[[], Objective], Reference]] = {
    "info-nce": (lambda: InfoNCELoss(0.3), lambda views: contrastive(views, 0.3)),
    "supcon": (lambda: SupConLoss(0.3), lambda views: contrastive(views, 0.3, LABELS)),
    "barlow-twins": (lambda: BarlowTwinsLoss(0.01, 2.0), lambda views: barlow_twins(views, 0.01, 2.0)),
    "sigreg": (
        lambda: SIGRegLoss(0.1, directions=5, knots=9),
        lambda views: sigreg(views, 0.1, directions_of(3, views[0].shape[1], 5), 9),
    ),
}


def evaluated(objective: Objective, views: Sequence[Tensor], rows: slice = slice(None)) -> Tensor:
    torch.manual_seed(3)
    labels = torch.tensor(LABELS)[rows] if "labels" in objective.needs else None
    return objective.of_step(StepInputs(views, labels)).loss


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("n_views", [2, 3])
def test_value_and_gradient_are_those_of_the_paper(name: str, n_views: int) -> None:
    build, reference = CASES[name]
    views = random_views(n_views, 13, 6, seed=1)
    loss, expected = evaluated(build(), views), reference(views)
    assert float(loss) == pytest.approx(float(expected), rel=1e-10)
    gradients = (torch.autograd.grad(value, views) for value in (loss, expected))
    assert relative_error(*gradients) < 1e-9


@pytest.mark.parametrize("name", CASES)
def test_single_precision_is_close_whatever_the_encoder_computes_in(name: str) -> None:
    objective = CASES[name][0]()
    views = [view.detach().bfloat16() for view in random_views(2, 13, 6, seed=2)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = evaluated(objective, views)
    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx(float(evaluated(objective, [v.double() for v in views])), rel=1e-5)


def test_the_parts_are_logged() -> None:
    views = random_views(2, 13, 6, seed=1)
    terms = BarlowTwinsLoss(0.01).terms(views)
    named = terms.named()
    assert set(named) == {"loss", "on_diagonal", "off_diagonal"}
    assert float(terms.loss) == pytest.approx(float(named["on_diagonal"] + 0.01 * named["off_diagonal"]))


def test_without_a_label_supcon_is_info_nce() -> None:
    views = random_views(2, 13, 6, seed=1)
    unlabelled = torch.full((13,), -1)
    expected = float(InfoNCELoss(0.1)(views))
    assert float(SupConLoss(0.1).terms(views).loss) == pytest.approx(expected)
    assert float(SupConLoss(0.1).terms(views, unlabelled).loss) == pytest.approx(expected)
    with pytest.raises(ValueError, match="a label a row, 13, got shape"):
        SupConLoss().terms(views, torch.zeros(4))


def test_the_statistic_is_small_for_a_gaussian_and_large_for_a_point() -> None:
    torch.manual_seed(5)
    gaussian = torch.randn(2, 4000, 64, dtype=torch.float64)
    point = torch.zeros(2, 4000, 64, dtype=torch.float64)
    torch.manual_seed(6)
    spread, collapsed = (float(SIGRegLoss(1.0).terms(list(views)).loss) for views in (gaussian, point))
    # Of N samples of the normal itself N |difference|^2 has the mean 1 - exp(-t^2), whatever N is.
    t = torch.linspace(-3, 3, 33, dtype=torch.float64)
    normal = float(torch.trapezoid((1 - torch.exp(-t * t)) * torch.exp(-t * t / 2), t))
    assert spread == pytest.approx(normal, rel=0.2)
    assert collapsed > 1000 * spread


def test_directions_change_with_the_seed_of_the_step() -> None:
    views = random_views(2, 13, 6, seed=1)
    values = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        values.append(float(SIGRegLoss(1.0, directions=2)(views)))
    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: InfoNCELoss(0.0), "temperature: expected a finite number above 0"),
        (lambda: BarlowTwinsLoss(math.nan), "redundancy"),
        (lambda: SIGRegLoss(1.5), "expected a number from 0 to 1"),
        (lambda: SIGRegLoss(knots=2), "knots >= 3"),
    ],
)
def test_mistaken_constants_are_refused(build: Callable[[], Objective], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def hybrid() -> MixedObjective:
    return MixedObjective(
        VICRegLoss(), [Added("core/info-nce", 0.5, InfoNCELoss()), Added("core/supcon", 2.0, SupConLoss())]
    )


def test_a_hybrid_is_the_weighted_sum_and_logs_the_terms_of_each() -> None:
    views, labels = random_views(2, 13, 6, seed=1), torch.tensor(LABELS)
    mixed = hybrid()
    assert mixed.needs == {"labels"}
    terms = mixed.of_step(StepInputs(views, labels))
    parts = [VICRegLoss()(views), InfoNCELoss()(views), SupConLoss().terms(views, labels).loss]
    assert float(terms.loss) == pytest.approx(float(parts[0] + 0.5 * parts[1] + 2 * parts[2]))
    named = terms.named()
    assert float(named["loss"]) == float(terms.loss)
    assert float(named["core/info-nce.loss"]) == pytest.approx(float(parts[1]))
    assert {"variance", "core/supcon.alignment"} <= set(named)


class Projector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(7, 16), nn.Tanh(), nn.Linear(16, 6))

    def forward(self, views: list[Tensor]) -> list[Tensor]:
        return [self.layers(view) for view in views]


def train_step(rank: int, processes: int, *, alone: bool = False) -> dict[str, Any]:
    """Loss and parameter gradients of each objective."""
    found = {}
    rows = slice(None) if alone else own_rows(rank, processes)
    for name, build in [*((name, case[0]) for name, case in CASES.items()), ("hybrid", hybrid)]:
        torch.manual_seed(11)
        model = Projector().double()
        parallel = model if alone else DistributedDataParallel(model)
        views = [view.detach()[rows] for view in random_views(2, 13, 7, seed=12)]
        # In training each process has a seed of its own, and the first one's directions hold for all.
        embeddings = parallel(views)
        torch.manual_seed(3 + rank)
        labels = torch.tensor(LABELS)[rows]
        loss = build().of_step(StepInputs(embeddings, labels)).loss
        loss.backward()
        found[name] = {"loss": loss.detach(), "gradients": [p.grad for p in model.parameters()]}
    return found


@pytest.mark.distributed
@pytest.mark.parametrize("processes", [2, 4])
def test_several_processes_equal_one(processes: int, tmp_path: Any) -> None:
    whole = train_step(0, 1, alone=True)
    for each in run_processes(train_step, processes, tmp_path):
        for name, expected in whole.items():
            assert float(each[name]["loss"]) == pytest.approx(float(expected["loss"]), rel=1e-10), name
            assert relative_error(each[name]["gradients"], expected["gradients"]) < 1e-9, name
