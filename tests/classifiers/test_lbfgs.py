"""The minimum of convex functions whose minimum is known."""

from __future__ import annotations

import pytest
import torch

from vicreg_core.classifiers.lbfgs import minimise


def test_a_quadratic_is_solved_in_few_evaluations():
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(40, 40, generator=generator, dtype=torch.float64) / 10
    matrix, target = root @ root.T + 0.05 * torch.eye(40, dtype=torch.float64), torch.arange(40.0).double()
    asked = 0

    def quadratic(x):
        nonlocal asked
        asked += 1
        gap = x - target
        return float(gap @ matrix @ gap) / 2, matrix @ gap

    found = minimise(quadratic, torch.zeros(40, dtype=torch.float64), tolerance=1e-9)
    torch.testing.assert_close(found, target, atol=1e-6, rtol=0)
    assert asked < 120


def test_a_step_of_one_may_be_far_too_long():
    def steep(x):
        return float(torch.cosh(50 * x).sum()), 50 * torch.sinh(50 * x)

    found = minimise(steep, torch.tensor([0.3, -0.2], dtype=torch.float64), tolerance=1e-8)
    torch.testing.assert_close(found, torch.zeros(2, dtype=torch.float64), atol=1e-9, rtol=0)


@pytest.mark.parametrize("steps", [0, 3])
def test_it_ends_after_so_many_steps_and_never_above_its_start(steps):
    def slow(x):
        return float((x**4).sum()), 4 * x**3

    start = torch.ones(3, dtype=torch.float64)
    found = minimise(slow, start, tolerance=0.0, steps=steps)
    assert slow(found)[0] <= 3.0
    assert torch.equal(found, start) == (steps == 0)


def test_a_minimum_that_float32_cannot_improve_is_kept():
    def flat(x):
        return float(1e6 + (x**2).sum()), 2 * x

    start = torch.full((2,), 1e-3)
    assert minimise(flat, start, tolerance=1e-12).abs().max() <= 1e-3
