"""VICReg: variance-invariance-covariance regularisation (arXiv:2105.04906)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

import torch
from torch import Tensor

from vicreg_core.objectives.base import Objective, Terms
from vicreg_core.objectives.covariance import covariance_floor
from vicreg_core.objectives.global_batch import agree_on_batch
from vicreg_core.objectives.parts import VICRegParts
from vicreg_core.objectives.validation import as_views, checked_number, flattened

Convention = Literal["official", "paper"]


@dataclass(frozen=True, slots=True)
class VICRegTerms(Terms):
    """One evaluation of :class:`VICRegLoss`; every tensor is differentiable.

    ``loss`` is the weighted sum of ``invariance``, ``variance`` and ``covariance``, which are reduced as the
    convention says. The terms of each branch are the plain ones, before any weight.

    Attributes:
        invariance: ``()``
        variance: ``()``
        covariance: ``()``
        branch_variance: ``(V,)``, ``mean_j relu(gamma - sqrt(var_j + epsilon))`` of each view.
        branch_covariance: ``(V,)``, ``(1/D) sum_{j != k} C_jk^2`` of each view.
        covariance_floor: the least ``branch_covariance`` possible at the spread ``gamma``: the covariance of
            ``N`` rows has rank ``N - 1`` at most.
    """

    invariance: Tensor
    variance: Tensor
    covariance: Tensor
    branch_variance: Tensor
    branch_covariance: Tensor
    covariance_floor: float

    @property
    def covariance_excess(self) -> Tensor:
        """``(V,)``, each view's covariance above the floor; negative while its spread is below ``gamma``."""
        return self.branch_covariance - self.covariance_floor

    def named(self) -> dict[str, Tensor | float]:
        """Scalars for the log; ``covariance_excess`` is the mean over the branches."""
        excess = self.covariance_excess.detach()
        scalars: dict[str, Tensor | float] = {
            "loss": self.loss.detach(),
            "invariance": self.invariance.detach(),
            "variance": self.variance.detach(),
            "covariance": self.covariance.detach(),
            "covariance_floor": self.covariance_floor,
            "covariance_excess": excess.mean(),
        }
        for v, (variance, covariance) in enumerate(
            zip(self.branch_variance.detach(), self.branch_covariance.detach(), strict=True)
        ):
            scalars[f"variance_{v}"] = variance
            scalars[f"covariance_{v}"] = covariance
            scalars[f"covariance_excess_{v}"] = excess[v]
        return scalars


class VICRegLoss(Objective):
    """``criterion(z_a, z_b) -> scalar``; also ``criterion(z_a, z_b, z_c)`` and ``criterion([z_a, z_b])``.

    With ``s`` the mean squared difference of paired rows over ``N D`` numbers, and ``v``, ``c`` the variance
    and covariance terms of a view:

    ==========  =====================  ============================  ============================
    convention  invariance             variance                      covariance
    ==========  =====================  ============================  ============================
    official    ``s``                  ``(v_a + v_b) / 2``           ``c_a + c_b``
    paper       ``D s``                ``v_a + v_b``                 ``c_a + c_b``
    ==========  =====================  ============================  ============================

    ``official`` is the authors' code, ``paper`` Eq. 1-6 as printed. For ``V`` views the invariance is the
    mean over all pairs, and the sums over branches become twice the mean, so the balance of the terms does
    not depend on ``V``.

    Statistics are float32 (float64 for float64 input) with autocast off; gradients come back in the dtype of
    the input. Statistics are of the actual rows: under ``torch.distributed`` of those of all processes,
    which may hold unequal numbers. The value is then the global loss on every process, and the gradient is
    scaled for ``DistributedDataParallel``, whose mean over processes is the gradient of the global batch.
    The forward pass is collective, with or without gradients; the backward pass communicates nothing.

    Input of shape ``(N, ..., D)`` counts each location as a row: location ``p`` of sample ``i`` is paired
    with the same location of the other views, and the statistics run over all samples and locations.

    Exactly collapsed embeddings have a gradient of exactly zero: the loss stays at
    ``variance * (gamma - sqrt(epsilon))``, 24.75 by default.

    Args:
        invariance: weight of the invariance term, lambda.
        variance: weight of the variance term, mu.
        covariance: weight of the covariance term, nu.
        gamma: standard deviation asked of each dimension.
        epsilon: added to each variance before its square root.
        convention: ``"official"`` or ``"paper"``.
        branch_weights: one factor a view for its variance and covariance terms, e.g. where the views come
            from different encoders; ``None`` for 1 each.
        gather_distributed: take the batch of all processes; ``False`` takes each process's rows alone.

    Raises:
        TypeError: a constant that is not a number; at the call, a view that is not a floating tensor.
        ValueError: a negative or non-finite constant, an unknown convention; at the call, fewer than two
            views or samples, views of unlike shape, or as many views as ``branch_weights`` has not.
    """

    remedies = MappingProxyType(
        {
            "complete": "Raise the variance weight (objective.variance, 25 by default) to at least the "
            "invariance weight, lower optimizer.lr, and start again.",
            "dimensional": "Raise the covariance weight (objective.covariance) or the variance weight "
            "(objective.variance), lower optimizer.lr, or widen the batch (train.batch_size).",
        }
    )

    def __init__(
        self,
        invariance: float = 25.0,
        variance: float = 25.0,
        covariance: float = 1.0,
        *,
        gamma: float = 1.0,
        epsilon: float = 1e-4,
        convention: Convention = "official",
        branch_weights: Sequence[float] | None = None,
        gather_distributed: bool = True,
    ) -> None:
        super().__init__()
        if convention not in get_args(Convention):
            raise ValueError(f"convention: expected 'official' or 'paper', got {convention!r}")
        self.invariance = checked_number("invariance", invariance)
        self.variance = checked_number("variance", variance)
        self.covariance = checked_number("covariance", covariance)
        self.gamma = checked_number("gamma", gamma, positive=True)
        self.epsilon = checked_number("epsilon", epsilon, positive=True)
        self.convention: Convention = convention
        self.branch_weights = (
            None
            if branch_weights is None
            else tuple(checked_number(f"branch_weights[{v}]", w) for v, w in enumerate(branch_weights))
        )
        self.gather_distributed = gather_distributed
        self.target_std = self.gamma

    def forward(self, *embeddings: Tensor | Sequence[Tensor]) -> Tensor:
        """The loss, ``()``, in float32 (float64 for float64 views).

        Args:
            embeddings: two or more views ``(N, D)`` or ``(N, ..., D)`` of one shape, floating; or one list
                of them.
        """
        return self.terms(*embeddings).loss

    def terms(self, *embeddings: Tensor | Sequence[Tensor]) -> VICRegTerms:
        """The loss and its named parts, from one evaluation; arguments as :meth:`forward`."""
        views = as_views(embeddings)
        weights = self._weights(views)
        rows = flattened(views)
        batch = agree_on_batch(rows, views[0].shape[0], across_processes=self.gather_distributed)
        apart, variances, covariances = VICRegParts.apply(self.gamma, self.epsilon, batch, *rows)
        dims = rows[0].shape[1]
        invariance = apart * dims if self.convention == "paper" else apart
        variance = self._over_branches(variances, weights, 2 if self.convention == "paper" else 1)
        covariance = self._over_branches(covariances, weights, 2)
        return VICRegTerms(
            loss=self.invariance * invariance + self.variance * variance + self.covariance * covariance,
            invariance=invariance,
            variance=variance,
            covariance=covariance,
            branch_variance=variances,
            branch_covariance=covariances,
            covariance_floor=covariance_floor(batch.rows, dims, self.gamma),
        )

    def extra_repr(self) -> str:
        """The constants, for ``print(criterion)``."""
        return (
            f"{self.invariance:g}, {self.variance:g}, {self.covariance:g}, gamma={self.gamma:g}, "
            f"epsilon={self.epsilon:g}, convention={self.convention!r}, branch_weights={self.branch_weights}"
        )

    def _weights(self, views: Sequence[Tensor]) -> tuple[float, ...] | None:
        if self.branch_weights is not None and len(self.branch_weights) != len(views):
            raise ValueError(
                f"branch_weights has {len(self.branch_weights)} entries, but there are {len(views)} views"
            )
        return self.branch_weights

    @staticmethod
    def _over_branches(terms: Tensor, weights: tuple[float, ...] | None, times: int) -> Tensor:
        if weights is not None:
            terms = terms * torch.tensor(weights, dtype=terms.dtype, device=terms.device)
        return times * terms.mean()
