"""Batch norm over the batch of all processes.

``torch.nn.SyncBatchNorm`` refuses tensors on the CPU; :class:`GlobalBatchNorm` is its counterpart there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from vicreg_core.distributed import all_reduce_sum, gather_rows, is_distributed, world_size

_BLOCK = 1 << 15
"""Values summed at a time: 256 KiB in float64."""
_backward: Any = torch.ops.aten.native_batch_norm_backward


def synchronise_batch_norm(module: nn.Module, device_type: str) -> nn.Module:
    """Replace every batch norm of ``module`` by one whose statistics are of all processes.

    Parameters, buffers, their names in the state dict, and the training mode stay as they are. A batch norm
    that is ``module`` itself is replaced in the result only.

    Args:
        module: changed in place where it contains batch norms.
        device_type: ``"cpu"``, or a device that ``torch.nn.SyncBatchNorm`` supports, such as ``"cuda"``.
    """
    if device_type != "cpu":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
        return converted
    if isinstance(module, _BatchNorm) and not isinstance(module, GlobalBatchNorm):
        return GlobalBatchNorm.of(module)
    for name, child in module.named_children():
        setattr(module, name, synchronise_batch_norm(child, device_type))
    return module


@contextmanager
def running_statistics_kept(module: nn.Module) -> Iterator[None]:
    """Within it the batch norms of a module leave their running statistics alone; they normalise as ever."""
    norms = [each for each in module.modules() if isinstance(each, _BatchNorm) and each.training]
    kept = [(norm, norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm, _, batches in kept:
        # Not track_running_stats: activation checkpointing compares what two passes save for the way back.
        norm.momentum = 0.0
        norm.num_batches_tracked = None if batches is None else batches.clone()
    try:
        yield
    finally:
        for norm, momentum, batches in kept:
            norm.momentum, norm.num_batches_tracked = momentum, batches


class GlobalBatchNorm(_BatchNorm):
    """Drop-in for ``BatchNorm1d``, ``2d`` and ``3d``, with the exact statistics of all processes' rows.

    Input is ``(n, C)`` or ``(n, C, ...)``; processes may hold unequal rows. Running statistics are the same
    on every process. In training both passes are collective: every process must make the same calls.
    """

    @classmethod
    def of(cls, norm: _BatchNorm) -> GlobalBatchNorm:
        """A norm that shares the parameters and buffers of ``norm``."""
        own = cls(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
        for name, parameter in norm.named_parameters(recurse=False):
            setattr(own, name, parameter)
        for name, buffer in norm.named_buffers(recurse=False):
            setattr(own, name, buffer)
        return own.train(norm.training)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise each channel; same shape and dtype as ``input``.

        Raises:
            ValueError: ``input`` is not ``(n, C)`` or ``(n, C, ...)``, or holds one value a channel in all.
        """
        use_batch = self.training or not self.track_running_stats
        if not (use_batch and is_distributed()):
            return super().forward(input)
        self._check_input_dim(input)
        output, mean, variance, count = _NormaliseGlobally.apply(input, self.weight, self.bias, self.eps)
        if self.training:
            self._update_running(mean, variance * (count / (count - 1)))
        return output  # type: ignore[no-any-return]

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2 or input.shape[1] != self.num_features:
            raise ValueError(
                f"expected an input (n, {self.num_features}) or (n, {self.num_features}, ...), "
                f"got {tuple(input.shape)}"
            )

    def _update_running(self, mean: Tensor, unbiased_variance: Tensor) -> None:
        if self.num_batches_tracked is None or self.running_mean is None or self.running_var is None:
            return
        self.num_batches_tracked.add_(1)
        # Without a momentum the running statistics are the plain average over batches.
        share = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(unbiased_variance.to(self.running_var.dtype), share)


class _NormaliseGlobally(Function):
    """``apply(input, weight, bias, eps) -> (output, mean, biased variance, values a channel)``."""

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        mean, variance, count = _global_moments(input)
        if count < 2:
            raise ValueError(f"batch norm in training needs 2 values a channel or more, got {int(count)}")
        ctx.save_for_backward(input, weight, mean, (variance + eps).rsqrt(), count)
        ctx.mark_non_differentiable(mean, variance, count)
        output = torch.nn.functional.batch_norm(input, mean, variance, weight, bias, training=False, eps=eps)
        return output, mean, variance, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        input, weight, mean, inverse_std, count = ctx.saved_tensors
        if not len(input):
            all_reduce_sum(mean.new_zeros(2, len(mean)))
            empty = mean.new_zeros(len(mean))
            return torch.empty_like(input), *([None] * 3 if weight is None else [empty, empty, None])
        like = (input, weight, None, None, mean, inverse_std)
        _, own_product, own_sum = _backward(grad, *like, True, 0.0, [False, True, True])
        # Each process keeps its own part for weight and bias, whose gradients DDP averages.
        mean_grad, mean_product = all_reduce_sum(torch.stack([own_sum, own_product])) / count
        scale = inverse_std if weight is None else inverse_std * weight
        # scale * (grad - mean_grad - normalised * mean_product): the first term and the other two are each
        # one pass of torch's own kernels, which take bfloat16 maps beside float32 statistics.
        slope = scale * mean_product * inverse_std
        ones = torch.ones_like(mean)
        apart = _affine(input, mean, ones, slope, scale * mean_grad)
        d_input = _affine(grad, torch.zeros_like(mean), ones, scale, torch.zeros_like(mean)).sub_(apart)
        if weight is None:
            return d_input, None, None, None
        return d_input, own_product.to(weight.dtype), own_sum.to(weight.dtype), None


def _affine(input: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """``(input - mean) * weight + bias`` by channel, for a variance of ones."""
    return torch.nn.functional.batch_norm(input, mean, variance, weight, bias, training=False, eps=0.0)


def _global_moments(input: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean ``(C,)``, biased variance ``(C,)`` and values a channel ``()`` over all processes.

    Moments of the processes are combined by Chan's formula, which sums squared deviations only: nothing
    cancels where the mean is large. All of it is float64, so that float32 results do not depend on how the
    rows are shared: a ReLU behind the norm would make a finite difference of a rounding error.
    """
    dtype = torch.float64 if input.dtype == torch.float64 else torch.float32
    own_mean, own_squares = _own_moments(input)
    own_count = own_mean.new_full((1,), input.numel() // input.shape[1])
    own = torch.cat([own_count, own_mean, own_squares])
    everyone = gather_rows(own.unsqueeze(0), [1] * world_size())
    counts = everyone[:, :1]
    means, squares = everyone[:, 1:].chunk(2, dim=1)
    count = counts.sum()
    mean = (counts * means).sum(dim=0) / count
    variance = (squares + counts * (means - mean).square()).sum(dim=0) / count
    return mean.to(dtype), variance.to(dtype), count.to(dtype)


def _own_moments(input: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and sum of squared deviations of each channel over this process's values, ``(C,) float64``.

    Blocks that stay in the cache are widened and summed as matrix-vector products: three times as fast as
    ``torch.var_mean`` in float32. Values are taken relative to the first one, so that squares do not cancel.
    """
    channels = input.shape[1]
    values = input.movedim(1, -1).reshape(-1, channels)
    total, squares = input.new_zeros(2, channels, dtype=torch.float64)
    if not len(values):
        return total, squares
    anchor = values[0].double()
    block = min(len(values), max(1, _BLOCK // channels))
    buffer, ones = anchor.new_empty(block, channels), anchor.new_ones(block)
    for rows in values.split(block):
        wide = torch.sub(rows, anchor, out=buffer[: len(rows)])
        total.addmv_(wide.T, ones[: len(rows)])
        squares.addmv_(wide.square_().T, ones[: len(rows)])
    mean = total / len(values)
    return mean + anchor, squares.sub_(total * mean).clamp_(min=0)
