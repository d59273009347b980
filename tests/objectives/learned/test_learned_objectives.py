"""Objectives with weights of their own: their papers' formulas in float64, and N processes equal one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations, permutations
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from tests.objectives.processes import own_rows, run_processes
from tests.objectives.reference import covariance_term, random_views, relative_error, variance_term
from vicreg_core.objectives.base import Objective, StepInputs, Widths
from vicreg_core.objectives.learned.adversarial import AdversarialPriorLoss
from vicreg_core.objectives.learned.local import LocalVICRegLoss
from vicreg_core.objectives.learned.predictive import BYOLLoss, SimSiamLoss
from vicreg_core.objectives.learned.reconstruction import ReconstructionLoss
from vicreg_core.objectives.learned.supervised import SupervisedLoss
from vicreg_core.objectives.learned.vcreg import VCRegLoss
from vicreg_core.objectives.mixed import Added, MixedObjective
from vicreg_core.objectives.vicreg import VICRegLoss

ROWS, DIMS, REPRESENTATION, CLEAN = 13, 6, 7, 4
WIDTHS = Widths(REPRESENTATION, DIMS, classes=3, feature_maps=(4, 5), clean=CLEAN)
LABELS = torch.tensor([0, 1, -1, 1, 0, 2, -1, 0, 1, 2, 2, -1, 0])


def step(n_views: int = 2, seed: int = 1) -> StepInputs:
    """Everything an objective can ask for, random, float64; maps of views are of unlike size."""
    generator = torch.Generator().manual_seed(seed)

    def maps(view: int) -> list[Tensor]:
        shapes = ((4, 3 + view, 3), (5, 2, 2 + view))
        drawn = [torch.randn(ROWS, *shape, generator=generator, dtype=torch.float64) for shape in shapes]
        return [each.requires_grad_() for each in drawn]

    return StepInputs(
        random_views(n_views, ROWS, DIMS, seed),
        LABELS,
        random_views(n_views, ROWS, REPRESENTATION, seed + 1),
        [maps(view) for view in range(n_views)],
        random_views(1, ROWS, CLEAN, seed + 2)[0].detach(),
        [view.detach() for view in random_views(n_views, ROWS, DIMS, seed + 3)],
    )


def mlp(weights: nn.Module, rows: Tensor) -> Tensor:
    """Linear, batch norm of the batch, ReLU, linear, by hand."""
    first, norm, _, last = weights.children()
    hidden = rows @ first.weight.T
    hidden = (hidden - hidden.mean(0)) / (hidden.var(0, unbiased=False) + 1e-5).sqrt()
    return torch.relu(hidden * norm.weight + norm.bias) @ last.weight.T + last.bias


def cosine(a: Tensor, b: Tensor) -> Tensor:
    return torch.stack([x @ y / (x.norm() * y.norm()) for x, y in zip(a, b, strict=True)]).mean()


def simsiam(objective: SimSiamLoss, inputs: StepInputs) -> Tensor:
    z = [(v - v.mean(0)) / (v.var(0, unbiased=False) + 1e-5).sqrt() for v in inputs.embeddings]
    pairs = [
        -cosine(mlp(objective.predictor, z[a]), z[b].detach()) for a, b in permutations(range(len(z)), 2)
    ]
    return torch.stack(pairs).mean()


def byol(objective: BYOLLoss, inputs: StepInputs) -> Tensor:
    z, aims = inputs.embeddings, inputs.averages
    pairs = [
        2 - 2 * cosine(mlp(objective.predictor, z[a]), aims[b]) for a, b in permutations(range(len(z)), 2)
    ]
    return torch.stack(pairs).mean()


def supervised(objective: SupervisedLoss, inputs: StepInputs) -> Tensor:
    views = []
    for view in inputs.representations:
        scores = view @ objective.head.weight.T + objective.head.bias
        rows = []
        for row, label in zip(scores, LABELS.tolist(), strict=True):
            if label >= 0:
                log = row - row.exp().sum().log()
                smooth = objective.label_smoothing
                rows.append(-(1 - smooth) * log[label] - smooth * log.mean())
        views.append(torch.stack(rows).mean())
    return torch.stack(views).mean()


def vcreg(objective: VCRegLoss, inputs: StepInputs) -> Tensor:
    spreads, copies = [], []
    for maps, representation in zip(inputs.feature_maps, inputs.representations, strict=True):
        located = [torch.cat(list(each.flatten(2).unbind(2))) for each in maps]
        for rows in (*located, representation):
            spreads.append(variance_term(rows, objective.gamma))
            copies.append(covariance_term(rows))
    return (
        objective.variance * torch.stack(spreads).mean() + objective.covariance * torch.stack(copies).mean()
    )


def adversarial(objective: AdversarialPriorLoss, inputs: StepInputs) -> Tensor:
    rows = torch.cat(list(inputs.embeddings))
    prior = torch.randn(rows.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    centre = sum(inputs.embeddings) / len(inputs.embeddings)
    agree = torch.stack([(view - centre).pow(2).mean() for view in inputs.embeddings]).mean()

    def score(x: Tensor, weights: list[Tensor]) -> Tensor:
        for i in (0, 2):
            x = x @ weights[i].T + weights[i + 1]
            x = torch.where(x > 0, x, 0.2 * x)
        return x @ weights[4].T + weights[5]

    own = list(objective.discriminator.parameters())
    frozen = [each.detach() for each in own]
    answer = -torch.sigmoid(score(rows, frozen)).log().mean()
    told = -torch.sigmoid(score(prior, own)).log().mean() / 2
    told = told - (1 - torch.sigmoid(score(rows.detach(), own))).log().mean() / 2
    return objective.invariance * agree + objective.answer * answer + told


def reconstruction(objective: ReconstructionLoss, inputs: StepInputs) -> Tensor:
    clean = inputs.clean
    assert clean is not None
    whole = (clean - clean.mean(0)).pow(2).sum()
    return torch.stack(
        [(mlp(objective.decoder, view) - clean).pow(2).sum() / whole for view in inputs.representations]
    ).mean()


def local(objective: LocalVICRegLoss, inputs: StepInputs) -> Tensor:
    embedded = []
    for maps in inputs.feature_maps:
        rows = maps[-1].flatten(2).transpose(1, 2)
        embedded.append(mlp(objective.projector, rows.flatten(0, 1)).unflatten(0, rows.shape[:2]))
    losses = []
    for first, second in combinations(embedded, 2):
        for own, other in ((first, second), (second, first)):
            pairs = []
            for x, y in zip(own, other, strict=True):
                nearest = [min(range(len(y)), key=lambda q, p=p: (p - y[q]).norm().item()) for p in x]
                closest = sorted(range(len(x)), key=lambda i: (x[i] - y[nearest[i]]).norm().item())
                pairs += [(x[i], y[nearest[i]]) for i in closest[: objective.matches]]
            a, b = (torch.stack([pair[side] for pair in pairs]) for side in (0, 1))
            invariance, variance, covariance = objective.weights
            spread = (variance_term(a) + variance_term(b)) / 2
            copied = covariance_term(a) + covariance_term(b)
            losses.append(invariance * (a - b).pow(2).mean() + variance * spread + covariance * copied)
    return torch.stack(losses).mean()


CASES: dict[str, tuple[Callable[[], Objective], Callable[[Any, StepInputs], Tensor]]] = {
    "simsiam": (lambda: SimSiamLoss(5), simsiam),
    "byol": (lambda: BYOLLoss(5), byol),
    "supervised": (lambda: SupervisedLoss(label_smoothing=0.1), supervised),
    "vcreg": (lambda: VCRegLoss(2.0, 0.5, gamma=1.5), vcreg),
    "adversarial": (lambda: AdversarialPriorLoss(3.0, 2.0, hidden=5), adversarial),
    "reconstruction": (lambda: ReconstructionLoss(5), reconstruction),
    "local": (lambda: LocalVICRegLoss(10.0, 5.0, 2.0, matches=3, dims=5), local),
}


def prepared(name: str, build: Callable[[], Objective]) -> Objective:
    torch.manual_seed(7)
    objective = build()
    objective.prepare(WIDTHS)
    return objective.double()


def leaves(inputs: StepInputs) -> list[Tensor]:
    return [*inputs.embeddings, *inputs.representations, *(m for maps in inputs.feature_maps for m in maps)]


def gradients(loss: Tensor, of: Sequence[Tensor]) -> list[Tensor]:
    found = torch.autograd.grad(loss, of, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, of, strict=True)]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("n_views", [2, 3])
def test_value_and_gradient_are_those_of_the_paper(name: str, n_views: int) -> None:
    build, reference = CASES[name]
    objective, inputs = prepared(name, build), step(n_views)
    torch.manual_seed(3)
    loss, expected = objective.of_step(inputs).loss, reference(objective, inputs)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-9)
    of = [*leaves(inputs), *objective.parameters()]
    assert relative_error(gradients(loss, of), gradients(expected, of)) < 1e-7


@pytest.mark.parametrize("name", CASES)
def test_it_computes_in_single_precision_under_autocast(name: str) -> None:
    objective, inputs = prepared(name, CASES[name][0]).float(), step()

    def half(x: Tensor) -> Tensor:
        return x.detach().bfloat16()

    given = StepInputs(
        [half(x) for x in inputs.embeddings],
        LABELS,
        [half(x) for x in inputs.representations],
        [[half(m) for m in maps] for maps in inputs.feature_maps],
        half(inputs.clean) if inputs.clean is not None else None,
        [half(x) for x in inputs.averages],
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.manual_seed(3)
        loss = objective.of_step(given).loss
    assert loss.dtype == torch.float32
    assert all(p.dtype == torch.float32 for p in objective.parameters())
    assert math.isfinite(loss.item())


def test_what_a_step_lacks_is_named() -> None:
    bare = StepInputs(step().embeddings)
    for name in ("byol", "supervised", "vcreg", "reconstruction", "local"):
        with pytest.raises(ValueError, match="this objective learns from"):
            prepared(name, CASES[name][0]).of_step(bare)


def test_a_batch_without_labels_costs_nothing_and_trains_nothing() -> None:
    objective, inputs = prepared("supervised", SupervisedLoss), step()
    terms = objective.of_step(replace(inputs, labels=torch.full((ROWS,), -1)))
    of = [*leaves(inputs), *objective.parameters()]
    assert terms.loss.item() == 0.0
    assert all(not bool(each.any()) for each in gradients(terms.loss, of))


def test_dropout_and_mixup_change_the_loss_by_the_seed_of_the_step() -> None:
    inputs = step()
    for options in ({"dropout": 0.5}, {"mixup": 0.4}):
        objective = prepared("supervised", lambda options=options: SupervisedLoss(**options))
        values = []
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            values.append(objective.of_step(inputs).loss.item())
        assert values[0] == values[1] != values[2]


def test_the_discriminator_and_the_encoder_do_not_train_each_other() -> None:
    objective, inputs = prepared("adversarial", lambda: AdversarialPriorLoss(0.0, 1.0, hidden=5)), step()
    parts = objective.of_step(inputs).parts
    weights = list(objective.parameters())
    assert not any(bool(g.any()) for g in gradients(parts["adversarial"], weights))
    assert not any(bool(g.any()) for g in gradients(parts["discriminator"], list(inputs.embeddings)))
    assert any(bool(g.any()) for g in gradients(parts["adversarial"], list(inputs.embeddings)))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SimSiamLoss(0), "hidden: expected a width"),
        (lambda: BYOLLoss(momentum=1.5), "momentum: expected a number from 0 to 1"),
        (lambda: SupervisedLoss(dropout=1.0), "dropout: expected a number from 0 to below 1"),
        (lambda: VCRegLoss(variance=-1.0), "variance: expected a finite number of at least 0"),
        (lambda: AdversarialPriorLoss(hidden=0), "hidden: expected a width"),
        (lambda: ReconstructionLoss(0), "hidden: expected a width"),
        (lambda: LocalVICRegLoss(matches=0), "matches and dims of at least 1"),
    ],
)
def test_mistaken_constants_are_refused(build: Callable[[], Objective], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def hybrid() -> MixedObjective:
    return MixedObjective(
        VICRegLoss(), [Added("core/supervised", 0.5, SupervisedLoss()), Added("core/byol", 2.0, BYOLLoss(5))]
    )


def test_a_hybrid_needs_what_its_parts_need() -> None:
    mixed = hybrid()
    assert mixed.needs == {"labels", "moving_average"}
    mixed.prepare(WIDTHS)
    assert len(list(mixed.parameters())) == 7


class Model(nn.Module):
    """Representations, embeddings and two feature maps of ``(n, 2, 4, 4)`` inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 4, 2), nn.Conv2d(4, 5, 2)
        self.represent = nn.Linear(20, REPRESENTATION)
        self.project = nn.Linear(REPRESENTATION, DIMS)

    def forward(self, views: list[Tensor]) -> StepInputs:
        embeddings, representations, maps = [], [], []
        for view in views:
            first = torch.tanh(self.first(view))
            second = torch.tanh(self.second(first))
            representations.append(torch.tanh(self.represent(second.flatten(1))))
            embeddings.append(self.project(representations[-1]))
            maps.append([first, second])
        return StepInputs(embeddings, None, representations, maps)


def train_step(rank: int, processes: int, *, alone: bool = False) -> dict[str, Any]:
    """Loss and parameter gradients, of the model and of the objective's own weights."""
    found = {}
    rows = slice(None) if alone else own_rows(rank, processes)
    mixup = lambda: SupervisedLoss(0.0, 0.3, 0.5)  # noqa: E731
    builds = {name: case[0] for name, case in CASES.items()} | {"hybrid": hybrid, "mixup": mixup}
    for name, build in builds.items():
        torch.manual_seed(11)
        model = Model().double()
        objective = prepared(name, build)
        parallel = model if alone else DistributedDataParallel(model)
        generator = torch.Generator().manual_seed(12)
        views = [torch.randn(ROWS, 2, 4, 4, generator=generator, dtype=torch.float64) for _ in range(2)]
        outputs = parallel([view[rows] for view in views])
        whole = step()
        torch.manual_seed(3 + rank)
        inputs = replace(
            outputs,
            labels=LABELS[rows],
            clean=whole.clean[rows],
            averages=[each[rows] for each in whole.averages],
        )
        loss = objective.of_step(inputs).loss
        loss.backward()
        found[name] = {
            "loss": loss.detach(),
            "model": [p.grad for p in model.parameters()],
            "own": [p.grad for p in objective.parameters()],
        }
    return found


@pytest.mark.distributed
@pytest.mark.parametrize("processes", [2, 4])
def test_several_processes_equal_one(processes: int, tmp_path: Any) -> None:
    whole = train_step(0, 1, alone=True)
    for each in run_processes(train_step, processes, tmp_path):
        for name, expected in whole.items():
            assert float(each[name]["loss"]) == pytest.approx(float(expected["loss"]), rel=1e-10), name
            assert relative_error(each[name]["model"], expected["model"]) < 1e-9, name
            if expected["own"]:
                assert relative_error(each[name]["own"], expected["own"]) < 1e-9, name
