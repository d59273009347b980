from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.objectives.reference import random_views, relative_error, vicreg, with_gradients
from vicreg_core.objectives.vicreg import VICRegLoss

SHAPES = [(2, 1), (2, 2), (2, 40), (40, 1), (16, 16), (17, 16), (16, 17), (200, 3), (3, 200)]


def compare(criterion: VICRegLoss, expected: Tensor, views: list[Tensor], tolerance: float) -> None:
    loss, gradients = with_gradients(criterion(*views), views)
    expected_loss, expected_gradients = with_gradients(expected, views)
    assert relative_error([loss], [expected_loss]) < tolerance
    assert relative_error(gradients, expected_gradients) < tolerance


@pytest.mark.parametrize("convention", ["official", "paper"])
@pytest.mark.parametrize(("rows", "dims"), SHAPES)
def test_equals_the_formulas_at_the_edges(rows: int, dims: int, convention: str) -> None:
    views = random_views(2, rows, dims, seed=rows * 1000 + dims)
    compare(VICRegLoss(convention=convention), vicreg(views, convention=convention), views, 1e-9)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(2, 48),
    dims=st.integers(1, 48),
    n_views=st.integers(2, 4),
    seed=st.integers(0, 2**31),
    spread=st.sampled_from([1e-3, 0.3, 1.0, 30.0]),
    offset=st.sampled_from([0.0, -7.0, 1e4]),
    weights=st.sampled_from([(25.0, 25.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]),
    convention=st.sampled_from(["official", "paper"]),
    weighted=st.booleans(),
    gamma=st.sampled_from([1.0, 0.5]),
)
def test_equals_the_formulas_anywhere(
    rows: int,
    dims: int,
    n_views: int,
    seed: int,
    spread: float,
    offset: float,
    weights: tuple[float, float, float],
    convention: str,
    weighted: bool,
    gamma: float,
) -> None:
    views = random_views(n_views, rows, dims, seed, spread=spread, offset=offset)
    branch_weights = [0.5 + v for v in range(n_views)] if weighted else None
    criterion = VICRegLoss(*weights, gamma=gamma, convention=convention, branch_weights=branch_weights)
    expected = vicreg(views, weights, gamma=gamma, convention=convention, branch_weights=branch_weights)
    compare(criterion, expected, views, 1e-6)


@pytest.mark.parametrize(("rows", "dims"), [(6, 3), (3, 6), (4, 4), (2, 3)])
def test_gradcheck(rows: int, dims: int) -> None:
    views = random_views(3, rows, dims, seed=1)
    assert torch.autograd.gradcheck(lambda *z: VICRegLoss(2.0, 3.0, 1.0)(*z), views)


def test_each_part_has_its_own_gradient() -> None:
    views = random_views(2, 5, 8, seed=2)
    for weights, part in [((1, 0, 0), "invariance"), ((0, 1, 0), "variance"), ((0, 0, 1), "covariance")]:
        terms = VICRegLoss().terms(*views)
        expected = torch.autograd.grad(vicreg(views, weights), views)
        assert relative_error(torch.autograd.grad(getattr(terms, part), views), expected) < 1e-9


def test_views_come_as_arguments_or_as_one_list() -> None:
    views = random_views(3, 6, 4, seed=3)
    criterion = VICRegLoss()
    assert torch.equal(criterion(*views), criterion(views))
    assert torch.equal(criterion(*views), criterion.terms(tuple(views)).loss)


def test_more_views_of_the_same_kind_leave_the_scale() -> None:
    a, b = random_views(2, 12, 5, seed=4)
    for convention in ("official", "paper"):
        criterion = VICRegLoss(0.0, 25.0, 1.0, convention=convention)
        torch.testing.assert_close(criterion(a, b, a, b), criterion(a, b))


@pytest.mark.parametrize("shape", [(4, 3, 5), (3, 2, 2, 12)])
def test_locations_are_rows_paired_by_position(shape: tuple[int, ...]) -> None:
    views = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    flat = [z.detach().reshape(-1, shape[-1]).requires_grad_() for z in views]
    loss, gradients = with_gradients(VICRegLoss()(*views), views)
    expected, expected_gradients = with_gradients(vicreg(flat), flat)
    assert relative_error([loss], [expected]) < 1e-12
    assert relative_error([g.flatten(0, -2) for g in gradients], expected_gradients) < 1e-12


def test_a_branch_that_needs_no_gradient_gets_none() -> None:
    a, b = random_views(2, 5, 3, seed=5)
    VICRegLoss()(a, b.detach()).backward()
    assert relative_error([a.grad], [torch.autograd.grad(vicreg([a, b]), a)[0]]) < 1e-9
    assert b.grad is None


def test_backward_twice_over_a_retained_graph_is_the_same() -> None:
    views = random_views(2, 5, 9, seed=6)
    loss = VICRegLoss()(*views)
    first = torch.autograd.grad(loss, views, retain_graph=True)
    second = torch.autograd.grad(loss, views)
    assert all(torch.equal(f, s) for f, s in zip(first, second, strict=True))


def test_inputs_are_left_as_they_were() -> None:
    views = random_views(2, 5, 9, seed=7)
    before = [z.detach().clone() for z in views]
    VICRegLoss()(*views).backward()
    assert all(torch.equal(z, b) for z, b in zip(views, before, strict=True))


def test_second_derivatives_are_refused() -> None:
    views = random_views(2, 5, 3, seed=8)
    with pytest.raises(RuntimeError, match="without create_graph=True"):
        torch.autograd.grad(VICRegLoss()(*views), views, create_graph=True)


def test_no_matrix_of_the_dimensions_is_made_where_rows_are_few() -> None:
    views = [torch.randn(4, 30_000, requires_grad=True) for _ in range(2)]
    with torch.profiler.profile(profile_memory=True) as profile:
        VICRegLoss()(*views).backward()
    embedding_bytes = 4 * 30_000 * 4
    assert sum(max(0, e.self_cpu_memory_usage) for e in profile.key_averages()) < 60 * embedding_bytes
