"""LARS: layer-wise adaptive rate scaling (You, Gitman and Ginsburg, arXiv:1708.03888)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class LARS(Optimizer):
    """SGD with momentum whose step is scaled, a parameter at a time, by ``||w|| / ||g + wd * w||``.

    For a group with ``adapt: True``: ``d = g + wd * w``; ``d *= eta * ||w|| / ||d||`` (left alone where
    either norm is zero); ``m = momentum * m + d``; ``w -= lr * m``. A group with ``adapt: False`` takes
    plain SGD steps. Adaptation does not depend on the decay: it stays on at ``weight_decay = 0``.

    Args:
        params: parameters or groups (:func:`vicreg_core.optim.groups.parameter_groups`).
        lr: learning rate.
        momentum: momentum of the scaled gradient.
        weight_decay: L2 penalty added to the gradient.
        trust_coefficient: ``eta``.
        clip: never scale above the plain step: ``min(eta * ||w|| / ||d|| / lr, 1)`` (LARC's clip mode).

    Raises:
        ValueError: for a negative ``lr`` or ``weight_decay``, or a momentum outside [0, 1).
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust_coefficient: float = 0.001,
        clip: bool = False,
    ) -> None:
        if lr < 0 or weight_decay < 0 or not 0 <= momentum < 1:
            raise ValueError(
                "LARS expects lr >= 0, weight_decay >= 0 and 0 <= momentum < 1, "
                f"got lr={lr}, weight_decay={weight_decay}, momentum={momentum}"
            )
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "trust_coefficient": trust_coefficient,
            "clip": clip,
            "adapt": True,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step over all groups; gradients are left as they are."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [p for p in group["params"] if p.grad is not None]
            if weights:
                self._step_group(weights, group)
        return loss

    def _step_group(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        grads = [w.grad for w in weights if w.grad is not None]
        update = list(torch._foreach_add(grads, weights, alpha=group["weight_decay"]))
        if group["adapt"]:
            torch._foreach_mul_(update, self._scales(weights, update, group).unbind())
        momenta = []
        for weight in weights:
            state = self.state[weight]
            if "momentum" not in state:
                state["momentum"] = torch.zeros_like(weight)
            momenta.append(state["momentum"])
        torch._foreach_mul_(momenta, group["momentum"])
        torch._foreach_add_(momenta, update)
        torch._foreach_add_(weights, momenta, alpha=-group["lr"])

    @staticmethod
    def _scales(weights: list[Tensor], update: list[Tensor], group: dict[str, Any]) -> Tensor:
        """``(len(weights),)`` factors, computed on the device without a synchronisation."""
        weight_norm = torch.stack(torch._foreach_norm(weights))
        update_norm = torch.stack(torch._foreach_norm(update))
        scale = group["trust_coefficient"] * weight_norm / update_norm
        if group["clip"]:
            scale = (scale / max(group["lr"], 1e-12)).clamp(max=1.0)
        return torch.where((weight_norm > 0) & (update_norm > 0), scale, torch.ones_like(scale))
