"""VICReg as its formulas read, in float64, sharing nothing with the implementation; and a fixed fixture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def variance_term(z: Tensor, gamma: float = 1.0, epsilon: float = 1e-4) -> Tensor:
    return torch.relu(gamma - torch.sqrt(z.var(dim=0) + epsilon)).mean()


def covariance_term(z: Tensor) -> Tensor:
    centred = z - z.mean(dim=0)
    covariance = centred.T @ centred / (z.shape[0] - 1)
    off_diagonal = covariance * (1 - torch.eye(z.shape[1], dtype=z.dtype))
    return off_diagonal.pow(2).sum() / z.shape[1]


def vicreg(
    views: Sequence[Tensor],
    weights: tuple[float, float, float] = (25.0, 25.0, 1.0),
    *,
    gamma: float = 1.0,
    epsilon: float = 1e-4,
    convention: str = "official",
    branch_weights: Sequence[float] | None = None,
) -> Tensor:
    """The loss of ``V`` float64 views ``(N, D)`` by autograd over the printed formulas."""
    n_views, dims = len(views), views[0].shape[1]
    branch = [1.0] * n_views if branch_weights is None else branch_weights
    pairs = [(a - b).pow(2).mean() for a, b in combinations(views, 2)]
    variances = [w * variance_term(z, gamma, epsilon) for w, z in zip(branch, views, strict=True)]
    covariances = [w * covariance_term(z) for w, z in zip(branch, views, strict=True)]
    invariance = sum(pairs) / len(pairs) * (dims if convention == "paper" else 1)
    variance = sum(variances) / n_views * (2 if convention == "paper" else 1)
    covariance = sum(covariances) / n_views * 2
    return torch.as_tensor(weights[0] * invariance + weights[1] * variance + weights[2] * covariance)


def with_gradients(loss: Tensor, views: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    return loss.detach(), list(torch.autograd.grad(loss, views))


def relative_error(found: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """Largest norm of a difference, relative to the norm of what is expected."""
    scale = max(float(e.detach().double().norm()) for e in expected)
    worst = max(
        float((f.detach().double() - e.detach().double()).norm())
        for f, e in zip(found, expected, strict=True)
    )
    return worst if scale == 0 else worst / scale


def random_views(
    n_views: int, rows: int, dims: int, seed: int, *, spread: float = 0.8, offset: float = 0.0
) -> list[Tensor]:
    """Correlated float64 views that require gradients."""
    generator = np.random.default_rng(seed)
    shared = generator.normal(size=(rows, dims))
    mixing = np.eye(dims) + generator.normal(size=(dims, dims)) / (2 * np.sqrt(dims))
    return [
        torch.from_numpy(
            (shared + 0.4 * generator.normal(size=(rows, dims))) @ mixing * spread + offset
        ).requires_grad_()
        for _ in range(n_views)
    ]


def fixture() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two fixed 64 x 48 views, from integer arithmetic alone: no generator that a release may change."""
    index = np.arange(2 * 64 * 48, dtype=np.uint64)
    bits = (index + 1) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    noise, other = (bits >> np.uint64(40)).astype(np.float64).reshape(2, 64, 48) / 2**23 - 1
    return noise, 0.75 * noise + 0.5 * other + 0.1 * np.roll(noise, 1, axis=1)
