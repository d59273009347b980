"""L-BFGS for a smooth convex function whose variables are scaled so that a step of 1 is never far off."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

_HISTORY = 10
_DECREASE = 1e-4
_HALVINGS = 50


def minimise(
    objective: Callable[[Tensor], tuple[float, Tensor]], start: Tensor, *, tolerance: float, steps: int = 500
) -> Tensor:
    """The minimum of ``objective``, by L-BFGS (Nocedal & Wright, Numerical Optimization, algorithm 7.5).

    A step of 1 is tried first, which a preconditioned problem takes nearly always: one evaluation a step.

    Args:
        objective: gives value and gradient at a point.
        start: a vector.
        tolerance: norm of the gradient at which to stop.
        steps: most of them.
    """
    point, (value, gradient) = start, objective(start)
    history: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=_HISTORY)
    noise = 4 * torch.finfo(start.dtype).eps
    for _ in range(steps):
        if float(gradient.norm()) <= tolerance:
            break
        direction = _direction(gradient, history)
        slope = float(gradient @ direction)
        length = 1.0
        for _ in range(_HALVINGS):
            there = point + length * direction
            found, ahead = objective(there)
            if found <= value + _DECREASE * length * slope + noise * abs(value):
                break
            length /= 2
        else:
            break  # No step decreases the value: it is as low as its dtype can tell.
        step, change = there - point, ahead - gradient
        curvature = float(step @ change)
        if curvature > noise * float(change @ change):
            history.append((step, change, 1.0 / curvature))
        point, value, gradient = there, found, ahead
    return point


def _direction(gradient: Tensor, history: deque[tuple[Tensor, Tensor, float]]) -> Tensor:
    """The two-loop recursion: the negative gradient times an estimate of the inverse Hessian."""
    direction, shares = -gradient, list[Tensor]()
    for step, change, inverse in reversed(history):
        shares.append(inverse * (step @ direction))
        direction = direction - shares[-1] * change
    if history:
        step, change, inverse = history[-1]
        direction = direction / (inverse * (change @ change))
    for (step, change, inverse), share in zip(history, reversed(shares), strict=True):
        direction = direction + step * (share - inverse * (change @ direction))
    return direction
