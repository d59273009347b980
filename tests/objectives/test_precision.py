from __future__ import annotations

import pytest
import torch

from tests.objectives.reference import random_views, relative_error, vicreg, with_gradients
from vicreg_core.objectives.vicreg import VICRegLoss

FORMS = [(12, 40), (40, 12)]


@pytest.mark.parametrize(("rows", "dims"), FORMS)
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_float32_is_accurate_even_around_a_large_mean(rows: int, dims: int, offset: float) -> None:
    views = [z.detach().float().requires_grad_() for z in random_views(2, rows, dims, 1, offset=offset)]
    exact = [z.detach().double().requires_grad_() for z in views]
    loss, gradients = with_gradients(VICRegLoss()(*views), views)
    expected, expected_gradients = with_gradients(vicreg(exact), exact)
    assert loss.dtype == torch.float32
    assert relative_error([loss], [expected]) < 1e-6
    assert relative_error(gradients, expected_gradients) < 2e-6


@pytest.mark.parametrize(("rows", "dims"), FORMS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_inputs_get_float32_statistics(rows: int, dims: int, dtype: torch.dtype) -> None:
    views = [z.detach().to(dtype).requires_grad_() for z in random_views(2, rows, dims, 2)]
    exact = [z.detach().double().requires_grad_() for z in views]
    loss, gradients = with_gradients(VICRegLoss()(*views), views)
    expected, expected_gradients = with_gradients(vicreg(exact), exact)
    assert loss.dtype == torch.float32
    assert all(g.dtype == dtype for g in gradients)
    assert relative_error([loss], [expected]) < 1e-6
    assert relative_error(gradients, expected_gradients) < torch.finfo(dtype).eps


@pytest.mark.parametrize(("rows", "dims"), [(64, 128), (128, 64), (2048, 16)])
@pytest.mark.parametrize(
    ("dtype", "largest"), [(torch.float16, 6e4), (torch.float16, 50.0), (torch.bfloat16, 1e8)]
)
def test_values_near_overflow_stay_finite(rows: int, dims: int, dtype: torch.dtype, largest: float) -> None:
    signs = torch.where(torch.randn(rows, 1, generator=torch.Generator().manual_seed(3)) > 0, 1.0, -1.0)
    views = [(signs * largest).expand(rows, dims).to(dtype).requires_grad_() for _ in range(2)]
    loss = VICRegLoss()(*views)
    loss.backward()
    exact = vicreg([z.detach().double() for z in views])
    assert relative_error([loss.detach()], [exact]) < 1e-5
    assert all(z.grad is not None and z.grad.isfinite().all() and z.grad.any() for z in views)


def test_non_finite_input_stays_visible() -> None:
    a, b = (z.detach().half().requires_grad_() for z in random_views(2, 6, 4, 4))
    with torch.no_grad():
        a[0, 0] = float("inf")
    loss = VICRegLoss()(a, b)
    loss.backward()
    assert not loss.isfinite()
    assert a.grad is not None
    assert not a.grad.isfinite().all()


@pytest.mark.parametrize(("rows", "dims"), FORMS)
def test_autocast_does_not_reach_the_loss(rows: int, dims: int) -> None:
    views = [z.detach().float().requires_grad_() for z in random_views(2, rows, dims, 5)]
    loss, gradients = with_gradients(VICRegLoss()(*views), views)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside, inside_gradients = with_gradients(VICRegLoss()(*views), views)
    assert torch.equal(loss, inside)
    assert all(torch.equal(g, i) for g, i in zip(gradients, inside_gradients, strict=True))


def test_reduced_matmul_precision_does_not_reach_the_loss_and_is_restored() -> None:
    views = [z.detach().float().requires_grad_() for z in random_views(2, 128, 256, 6)]
    loss, gradients = with_gradients(VICRegLoss()(*views), views)
    torch.set_float32_matmul_precision("medium")
    try:
        inside, inside_gradients = with_gradients(VICRegLoss()(*views), views)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert torch.equal(loss, inside)
    assert all(torch.equal(g, i) for g, i in zip(gradients, inside_gradients, strict=True))


def test_views_of_unlike_dtype_each_get_their_own_back() -> None:
    a, b = random_views(2, 6, 4, 7)
    half = b.detach().bfloat16().requires_grad_()
    loss = VICRegLoss()(a, half)
    loss.backward()
    assert loss.dtype == torch.float64
    assert a.grad is not None
    assert half.grad is not None
    assert (a.grad.dtype, half.grad.dtype) == (torch.float64, torch.bfloat16)
