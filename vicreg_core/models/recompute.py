"""Activation checkpointing: blocks keep their input alone, and are computed again in the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from vicreg_core.models.batch_norm import running_statistics_kept

_CONTAINERS = (nn.Sequential, nn.ModuleList)


def blocks_of(module: nn.Module) -> Iterator[nn.Module]:
    """What a network is built of: the outermost composite members of its sequences and lists.

    Residual blocks, transformer layers. A plain sequence within a sequence, such as a stage of blocks, is
    looked into.
    """
    for child in module.children():
        if type(module) in _CONTAINERS and type(child) not in _CONTAINERS and _is_composite(child):
            yield child
        else:
            yield from blocks_of(child)


def _is_composite(module: nn.Module) -> bool:
    return any(True for _ in module.children()) and any(True for _ in module.parameters())


def recompute_blocks(module: nn.Module) -> int:
    """Let every block recompute its inside in the backward pass (Chen et al., arXiv:1604.06174).

    Values, gradients, dropout and running statistics stay as they are. Names in the state dict too.

    Returns:
        How many blocks there are.
    """
    found = list(blocks_of(module))
    for block in found:
        block.forward = partial(_recomputed, block, block.forward)
    return len(found)


def _recomputed(block: nn.Module, forward: Callable[..., Any], *inputs: Any, **named: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*inputs, **named)

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), running_statistics_kept(block)

    return checkpoint(forward, *inputs, use_reentrant=False, context_fn=contexts, **named)
