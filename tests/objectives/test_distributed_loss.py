"""N processes equal one: parameter gradients under DDP, with different and unequal rows a process."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from tests.objectives.processes import own_rows, run_processes
from tests.objectives.reference import random_views, relative_error, vicreg
from vicreg_core.models.batch_norm import synchronise_batch_norm
from vicreg_core.objectives.vicreg import VICRegLoss

pytestmark = pytest.mark.distributed

DIMS = {"gram": 20, "covariance": 6}
CRITERION = {"weights": (2.0, 30.0, 4.0), "branch_weights": (1.0, 0.5)}


class TwoViews(nn.Module):
    """A small projector with batch norm, both views in one call as DDP asks."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(7, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, dims))

    def forward(self, views: list[Tensor]) -> list[Tensor]:
        return [self.layers(view) for view in views]


def build(dims: int) -> tuple[TwoViews, list[Tensor]]:
    torch.manual_seed(11)
    return TwoViews(dims).double(), [view.detach() for view in random_views(2, 13, 7, seed=12)]


def criterion(**options: Any) -> VICRegLoss:
    return VICRegLoss(*CRITERION["weights"], branch_weights=CRITERION["branch_weights"], **options)


def train_step(rank: int, processes: int, dims: int, **options: Any) -> dict[str, Any]:
    model, views = build(dims)
    parallel = DistributedDataParallel(synchronise_batch_norm(model, "cpu"))
    loss = criterion(**options)(parallel([view[own_rows(rank, processes)] for view in views]))
    loss.backward()
    return {"loss": loss.detach(), "gradients": {n: p.grad for n, p in model.named_parameters()}}


def loss_alone(rank: int, processes: int, dims: int) -> dict[str, Any]:
    """Value, gradient and the collectives of each pass, straight on embeddings."""
    rows = own_rows(rank, processes)
    own = [view.detach()[rows].requires_grad_() for view in random_views(2, 13, dims, 13)]
    with torch.profiler.profile() as forward:
        loss = criterion()(*own)
    with torch.profiler.profile() as backward:
        loss.backward()
    return {
        "loss": loss.detach(),
        "gradients": [view.grad for view in own],
        "forward": collectives(forward),
        "backward": collectives(backward),
    }


def collectives(profile: torch.profiler.profile) -> list[str]:
    return [event.name for event in profile.events() if event.name.startswith(("gloo:", "c10d::"))]


def refusals(rank: int, processes: int) -> list[str]:
    said = []
    for rows, dims in [(1 if rank == 0 else 0, 3), (4, 3 + rank)]:
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            VICRegLoss()(torch.ones(rows, dims), torch.ones(rows, dims))
        said.append(str(caught.value))
    return said


def an_empty_share(rank: int, processes: int, dims: int) -> Tensor:
    own = [v.detach()[: 13 * (rank == 1)].requires_grad_() for v in random_views(2, 13, dims, 13)]
    VICRegLoss()(*own).backward()
    return torch.cat([torch.zeros(0, dims) if v.grad is None else v.grad for v in own])


def everything(rank: int, processes: int) -> dict[str, Any]:
    results: dict[str, Any] = {"refusals": refusals(rank, processes)}
    for form, dims in DIMS.items():
        results[form] = {
            "step": train_step(rank, processes, dims),
            "local step": train_step(rank, processes, dims, gather_distributed=False),
            "alone": loss_alone(rank, processes, dims),
            "empty": an_empty_share(rank, processes, dims),
        }
    return results


@pytest.fixture(scope="module", params=[2, 4], ids="{}-processes".format)
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return run_processes(everything, request.param, tmp_path_factory.mktemp("processes"))


def one_process(dims: int) -> tuple[Tensor, dict[str, Tensor]]:
    model, views = build(dims)
    loss = vicreg(model(views), CRITERION["weights"], branch_weights=CRITERION["branch_weights"])
    loss.backward()
    return loss.detach(), {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("form", DIMS)
def test_parameter_gradients_equal_one_process(results: list[dict[str, Any]], form: str) -> None:
    loss, gradients = one_process(DIMS[form])
    for result in results:
        step = result[form]["step"]
        assert relative_error([step["loss"]], [loss]) < 1e-9
        assert step["gradients"].keys() == gradients.keys()
        assert relative_error(list(step["gradients"].values()), list(gradients.values())) < 1e-9
        for name in ("layers.0.weight", "layers.1.weight", "layers.1.bias", "layers.3.weight"):
            assert relative_error([step["gradients"][name]], [gradients[name]]) < 1e-9, name


@pytest.mark.parametrize("form", DIMS)
def test_statistics_of_each_process_alone_would_not_do(results: list[dict[str, Any]], form: str) -> None:
    _, gradients = one_process(DIMS[form])
    local = results[0][form]["local step"]["gradients"]
    name = "layers.3.weight"
    assert relative_error([local[name]], [gradients[name]]) > 0.05


@pytest.mark.parametrize("form", DIMS)
def test_value_is_global_and_gradient_is_own_rows_times_processes(
    results: list[dict[str, Any]], form: str
) -> None:
    views = random_views(2, 13, DIMS[form], 13)
    expected = vicreg(views, CRITERION["weights"], branch_weights=CRITERION["branch_weights"])
    gradients = torch.autograd.grad(expected, views)
    for rank, result in enumerate(results):
        alone, rows = result[form]["alone"], own_rows(rank, len(results))
        assert relative_error([alone["loss"]], [expected.detach()]) < 1e-9
        own = [len(results) * gradient[rows] for gradient in gradients]
        assert relative_error(alone["gradients"], own) < 1e-9


@pytest.mark.parametrize("form", DIMS)
def test_backward_communicates_nothing(results: list[dict[str, Any]], form: str) -> None:
    for result in results:
        assert result[form]["alone"]["forward"]
        assert result[form]["alone"]["backward"] == []


@pytest.mark.parametrize("form", DIMS)
def test_a_process_may_hold_no_row(results: list[dict[str, Any]], form: str) -> None:
    views = random_views(2, 13, DIMS[form], 13)
    gradients = torch.autograd.grad(vicreg(views), views)
    for rank, result in enumerate(results):
        expected = torch.cat(gradients) * len(results) if rank == 1 else torch.zeros(0, DIMS[form])
        assert relative_error([result[form]["empty"]], [expected]) < 1e-9


def test_what_cannot_be_one_batch_is_refused_by_all_alike(results: list[dict[str, Any]]) -> None:
    for result in results:
        too_few, unlike = result["refusals"]
        assert "2 samples or more, got 1" in too_few
        assert "process 0: 2 views of width 3; process 1: 2 views of width 4" in unlike
