"""The few collectives the suite needs, each the identity of its kind where there is one process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import Parameter

from vicreg_core.errors import VicregError

T = TypeVar("T")

# torch 2.14 renames it; the new name does not exist in 2.8.
_all_gather: Any = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor


def is_distributed() -> bool:
    """Whether this process is one of several that form a process group."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def world_size() -> int:
    """How many processes there are."""
    return dist.get_world_size() if is_distributed() else 1


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if is_distributed() else 0


def barrier() -> None:
    """Wait until every process is here."""
    if is_distributed():
        dist.barrier()


def all_reduce_sum(tensor: Tensor) -> Tensor:
    """Replace a contiguous tensor, in place, by its sum over all processes; returns it."""
    if is_distributed():
        dist.all_reduce(tensor)
    return tensor


def average_gradients(parameters: Iterable[Parameter]) -> None:
    """Replace the gradients of parameters by their means over all processes, which have the same ones."""
    if not is_distributed():
        return
    by_dtype: dict[torch.dtype, list[Tensor]] = {}
    for parameter in parameters:
        if parameter.grad is not None:
            by_dtype.setdefault(parameter.grad.dtype, []).append(parameter.grad)
    for gradients in by_dtype.values():
        mean = all_reduce_sum(torch.cat([each.flatten() for each in gradients])).div_(world_size())
        for each, own in zip(gradients, mean.split([each.numel() for each in gradients]), strict=True):
            each.copy_(own.view(each.shape))


@torch.no_grad()
def broadcast_tensors(tensors: Iterable[Tensor]) -> None:
    """Give tensors, in place, the first process's values."""
    if is_distributed():
        for tensor in tensors:
            dist.broadcast(tensor, 0)


def gather_rows(rows: Tensor, counts: Sequence[int]) -> Tensor:
    """The rows of all processes, in the order of their ranks.

    Args:
        rows: ``(counts[rank()], ...)``, this process's rows.
        counts: rows of each process; they may differ and may be 0.

    Returns:
        ``(sum(counts), ...)``, in ``rows``' dtype.
    """
    if not is_distributed():
        return rows
    gathered = rows.new_empty(sum(counts), *rows.shape[1:])
    if len(set(counts)) == 1:
        _all_gather(gathered, rows.contiguous())
        return gathered
    # All-gather needs equal shares; broadcasts move exactly the rows there are and need no padding.
    shares = torch.split(gathered, list(counts))
    shares[rank()].copy_(rows)
    pending = [dist.broadcast(share, src, async_op=True) for src, share in enumerate(shares) if counts[src]]
    for work in filter(None, pending):
        work.wait()
    return gathered


def gather_integers(values: Sequence[int], device: torch.device) -> list[list[int]]:
    """One list of integers a process, in the order of their ranks; all of the same length.

    Args:
        values: this process's integers.
        device: where the collective's tensors live: nccl moves nothing that lies on the CPU.
    """
    own = torch.tensor([list(values)], device=device)
    return [list(row) for row in gather_rows(own, [1] * world_size()).tolist()]


def broadcast_object(value: Any) -> Any:
    """The first process's ``value``, on every process; it must be picklable."""
    if not is_distributed():
        return value
    holder = [value]
    dist.broadcast_object_list(holder, src=0)
    return holder[0]


def on_first(action: Callable[[], T]) -> T:
    """Run ``action`` in the first process alone and return its picklable result on every process.

    Raises:
        Exception: in the first process, what ``action`` raised.
        VicregError: in the others, with the same message and exit code.
    """
    result: Any = None
    failure: BaseException | None = None
    if rank() == 0:
        try:
            result = action()
        except BaseException as error:
            failure = error
    told = (str(failure) or repr(failure), getattr(failure, "exit_code", 1)) if failure else None
    result, told = broadcast_object((result, told))
    if failure is not None:
        raise failure
    if told is not None:
        elsewhere = VicregError(told[0])
        elsewhere.exit_code = told[1]
        raise elsewhere
    return result  # type: ignore[no-any-return]
