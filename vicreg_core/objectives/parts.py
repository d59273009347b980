"""The three parts of VICReg with their closed-form gradients, in one autograd function."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from vicreg_core.objectives.covariance import covariance_slope, covariance_term, scaled_factors
from vicreg_core.objectives.global_batch import GlobalBatch
from vicreg_core.objectives.moments import centre, local_sums
from vicreg_core.objectives.precision import full_precision, to_dtype


class VICRegParts(Function):
    """``apply(gamma, epsilon, batch, *views) -> (invariance (), variance (V,), covariance (V,))``.

    Over the ``N`` rows of the global batch, with unbiased variances:

    - invariance: mean over pairs of views of the mean squared difference of their rows, over ``N D`` numbers
      (0 for a single view);
    - variance: ``mean_j relu(gamma - s_j)`` with ``s_j = sqrt(var_j + epsilon)``, of each view;
    - covariance: ``(1/D) sum_{j != k} C_jk^2``, of each view.

    The results are of the global batch on every process. The backward pass communicates nothing and returns
    each process's own rows of the gradient, times the number of processes.
    """

    @staticmethod
    def forward(
        ctx: Any, gamma: float, epsilon: float, batch: GlobalBatch, *views: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Compute the parts; ``views`` are ``V`` tensors ``(n, D)``."""
        n_views, dims = len(views), views[0].shape[1]
        with full_precision(views[0].device):
            rows, offsets = centre(views, batch)
            squares, disagreement = local_sums(rows)
            sums = batch.sum(torch.cat([squares.flatten(), disagreement.reshape(1)]))
            variance = sums[:-1].view(n_views, dims) / (batch.rows - 1)
            apart = sums[-1] / batch.rows + offsets.square().sum()
            std = (variance + epsilon).sqrt()
            terms = [covariance_term(own, var, batch) for own, var in zip(rows, variance, strict=True)]
        ctx.save_for_backward(
            rows,
            offsets,
            (std < gamma) / std,
            torch.stack([term.diagonal for term in terms]),
            *[term.left for term in terms],
            *[term.right for term in terms],
        )
        ctx.batch, ctx.dtypes = batch, [view.dtype for view in views]
        return (
            apart * (2 / (max(n_views - 1, 1) * dims)),
            (gamma - std).relu_().mean(dim=1),
            torch.stack([term.value for term in terms]),
        )

    @staticmethod
    def backward(
        ctx: Any, d_invariance: Tensor, d_variance: Tensor, d_covariance: Tensor
    ) -> tuple[Tensor | None, ...]:
        """The gradient of this process's rows, in each view's dtype.

        Raises:
            RuntimeError: under ``create_graph=True``, as these formulas have no graph to differentiate again.
        """
        if torch.is_grad_enabled():
            raise RuntimeError(
                "the gradient of VICReg is computed in closed form and cannot itself be differentiated; "
                "call backward() or autograd.grad() without create_graph=True"
            )
        rows, offsets, inverse_std, diagonals, *factors = ctx.saved_tensors
        n_views, _, dims = rows.shape
        batch: GlobalBatch = ctx.batch
        size = batch.rows * dims
        pull = d_invariance * (batch.processes * 4 / (max(n_views - 1, 1) * size))
        spread = d_variance * (batch.processes / (dims * (batch.rows - 1)))
        decorrelate = d_covariance * (batch.processes * covariance_slope(batch.rows, dims))
        columns = pull - spread[:, None] * inverse_std - decorrelate[:, None] * diagonals
        gradients: list[Tensor | None] = []
        with full_precision(rows.device):
            away = rows.mean(dim=0).mul_(-pull)
            for v, dtype in enumerate(ctx.dtypes):
                if not ctx.needs_input_grad[3 + v]:
                    gradients.append(None)
                    continue
                left, right = scaled_factors(factors[v], factors[n_views + v], decorrelate[v])
                gradient = torch.addcmul(away, rows[v], columns[v])
                gradient.add_(offsets[v] * pull).addmm_(left, right)
                gradients.append(to_dtype(gradient, dtype))
        return None, None, None, *gradients
