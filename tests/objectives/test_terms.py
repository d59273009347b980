from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.objectives.reference import covariance_term, fixture, random_views, variance_term
from vicreg_core.objectives.vicreg import VICRegLoss

# From numpy.cov and numpy.var over the fixture; the authors' code and lightly give the first one too.
GOLDEN = {"official": 13.897740116281975, "paper": 146.7409487425831}


@pytest.fixture
def golden_views() -> list[torch.Tensor]:
    return [torch.from_numpy(view) for view in fixture()]


@pytest.mark.parametrize("convention", GOLDEN)
def test_golden_values(golden_views: list[torch.Tensor], convention: str) -> None:
    loss = VICRegLoss(convention=convention)(*golden_views)
    assert loss.item() == pytest.approx(GOLDEN[convention], rel=1e-9)


def test_conventions_differ_by_reduction_alone(golden_views: list[torch.Tensor]) -> None:
    official = VICRegLoss(convention="official").terms(golden_views)
    paper = VICRegLoss(convention="paper").terms(golden_views)
    torch.testing.assert_close(paper.invariance, 48 * official.invariance)
    torch.testing.assert_close(paper.variance, 2 * official.variance)
    torch.testing.assert_close(paper.covariance, official.covariance)


def test_reductions_of_other_projects_follow_from_the_terms(golden_views: list[torch.Tensor]) -> None:
    """Variance summed rather than halved; weight 15, covariance averaged and no epsilon."""
    a, b = golden_views
    mse = (a - b).pow(2).mean()
    summed = 25 * mse + 25 * (variance_term(a) + variance_term(b)) + covariance_term(a) + covariance_term(b)
    assert VICRegLoss(25, 50, 1)(a, b).item() == pytest.approx(summed.item(), rel=1e-9)
    tiny = 1e-30
    averaged = (
        15 * mse
        + 25 * (variance_term(a, epsilon=0.0) + variance_term(b, epsilon=0.0)) / 2
        + (covariance_term(a) + covariance_term(b)) / 2
    )
    assert VICRegLoss(15, 25, 0.5, epsilon=tiny)(a, b).item() == pytest.approx(averaged.item(), rel=1e-9)


def test_equals_lightly(golden_views: list[torch.Tensor]) -> None:
    peer = pytest.importorskip("lightly.loss", reason="the extra 'bench' is not installed")
    expected = peer.VICRegLoss()(*golden_views).item()
    assert VICRegLoss()(*golden_views).item() == pytest.approx(expected, rel=1e-9)


def test_covariance_is_over_the_actual_rows(golden_views: list[torch.Tensor]) -> None:
    short = [view[:37] for view in golden_views]
    expected = [covariance_term(view).item() for view in short]
    assert VICRegLoss().terms(*short).branch_covariance.tolist() == pytest.approx(expected, rel=1e-9)


def test_loss_is_the_weighted_sum_of_its_terms() -> None:
    terms = VICRegLoss(3.0, 5.0, 7.0, branch_weights=(1.0, 0.25, 2.0)).terms(random_views(3, 9, 6, seed=1))
    total = 3 * terms.invariance + 5 * terms.variance + 7 * terms.covariance
    torch.testing.assert_close(terms.loss, total)


def test_a_branch_weight_of_zero_silences_that_branch() -> None:
    a, b = random_views(2, 9, 6, seed=2)
    VICRegLoss(0.0, 25.0, 1.0, branch_weights=(1.0, 0.0))(a, b).backward()
    assert a.grad is not None
    assert b.grad is not None
    assert a.grad.norm() > 0
    assert not b.grad.any()


@pytest.mark.parametrize(("rows", "dims"), [(8, 24), (24, 8)])
def test_exact_collapse_is_a_plateau(rows: int, dims: int) -> None:
    views = [torch.full((rows, dims), 0.1, requires_grad=True) for _ in range(2)]
    loss = VICRegLoss()(*views)
    loss.backward()
    assert loss.item() == pytest.approx(25 * (1 - math.sqrt(1e-4)), rel=1e-6)
    assert loss.item() == pytest.approx(24.75, rel=1e-6)
    assert all(z.grad is not None and not z.grad.any() for z in views)


def test_covariance_floor_is_reached_by_the_best_possible_embedding() -> None:
    hadamard = np.array([[1, 1, 1], [-1, 1, -1], [1, -1, -1], [-1, -1, 1]]) * math.sqrt(3 / 4)
    best = torch.from_numpy(np.concatenate([hadamard, hadamard], axis=1))
    terms = VICRegLoss().terms(best, best)
    assert terms.covariance_floor == pytest.approx(6 / 3 - 1)
    assert terms.branch_covariance.tolist() == pytest.approx([1.0, 1.0])
    assert terms.covariance_excess.tolist() == pytest.approx([0.0, 0.0], abs=1e-12)


def test_covariance_floor_at_the_defaults_of_the_paper() -> None:
    views = [torch.randn(256, 8192) for _ in range(2)]
    assert VICRegLoss().terms(*views).covariance_floor == pytest.approx(31.1, abs=0.03)
    assert VICRegLoss().terms(*[z[:, :100] for z in views]).covariance_floor == 0.0


def test_named_terms_are_plain_scalars() -> None:
    terms = VICRegLoss().terms(random_views(2, 5, 12, seed=3))
    named = terms.named()
    assert list(named)[:6] == [
        "loss",
        "invariance",
        "variance",
        "covariance",
        "covariance_floor",
        "covariance_excess",
    ]
    assert float(named["covariance_excess_1"]) == pytest.approx(
        float(named["covariance_1"]) - terms.covariance_floor
    )
    assert float(named["variance"]) == pytest.approx(
        (float(named["variance_0"]) + float(named["variance_1"])) / 2
    )
    assert not any(isinstance(value, torch.Tensor) and value.requires_grad for value in named.values())
