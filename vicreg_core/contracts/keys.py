"""Keyed randomness: every random number is a pure function of (seed, epoch, sample id, view, stream).

Nothing here is drawn from a generator with hidden state. A view of a sample is therefore the same whatever
batch, worker process or rank it is made in, and after a resume. The hash is SplitMix64's finaliser
(Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014) in int64 tensor
operations, whose wrap-around is the same on every device.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_MASK = (1 << 64) - 1


def _signed(value: int) -> int:
    """Reinterpret a 64-bit pattern as the signed integer torch stores."""
    value &= _MASK
    return value - (1 << 64) if value >= 1 << 63 else value


_GOLDEN = _signed(0x9E3779B97F4A7C15)
_MIX_1 = _signed(0xBF58476D1CE4E5B9)
_MIX_2 = _signed(0x94D049BB133111EB)


def mix(value: Tensor) -> Tensor:
    """SplitMix64's finaliser, elementwise on int64; any shape.

    ``>>`` on int64 copies the sign bit, so each shift is masked to be the logical one of the reference.
    """
    value = (value ^ ((value >> 30) & ((1 << 34) - 1))) * _MIX_1
    value = (value ^ ((value >> 27) & ((1 << 37) - 1))) * _MIX_2
    return value ^ ((value >> 31) & ((1 << 33) - 1))


def mix_int(*values: int) -> int:
    """Fold integers into one signed 64-bit hash; equal to :func:`mix` chained over one-element tensors."""
    state = 0
    for value in values:
        state = ((state ^ (value & _MASK)) + (_GOLDEN & _MASK)) & _MASK
        state = ((state ^ (state >> 30)) * (_MIX_1 & _MASK)) & _MASK
        state = ((state ^ (state >> 27)) * (_MIX_2 & _MASK)) & _MASK
        state ^= state >> 31
    return _signed(state)


@lru_cache(maxsize=1024)
def stream_id(name: str) -> int:
    """The signed 64-bit number of a named stream; stable over processes and versions of Python."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little", signed=True)


def hash_ids(ids: Sequence[int] | Sequence[str] | NDArray[np.int64]) -> Tensor:
    """``(N,) int64`` hash input of sample ids: integers as they are, strings through BLAKE2b."""
    if isinstance(ids, np.ndarray):
        return torch.from_numpy(ids.astype(np.int64, copy=True))
    if all(isinstance(i, int | np.integer) for i in ids):
        return torch.tensor(list(ids), dtype=torch.int64)
    return torch.tensor([stream_id(str(i)) for i in ids], dtype=torch.int64)


@dataclass(frozen=True, slots=True)
class Keys:
    """The random keys of one view of a batch.

    Attributes:
        state: ``(B,) int64``, one key a sample.
        view: index of the view, for augmentations whose views differ (asymmetric presets).
        common: ``(B,) int64``, the key of each sample before the view is mixed in.
    """

    state: Tensor
    view: int = 0
    common: Tensor | None = None

    @classmethod
    def of(cls, seed: int, epoch: int, ids: Tensor, view: int) -> Keys:
        """Keys of ``ids`` (``(B,) int64`` from :func:`hash_ids`) for one epoch and view."""
        state = mix((ids ^ mix_int(seed, epoch)) + _GOLDEN)
        return cls(mix((state ^ mix_int(view)) + _GOLDEN), view, state)

    def across_views(self) -> Keys:
        """Keys that are the same in every view of a sample, for views that must agree on a choice.

        Raises:
            ValueError: for keys that were not made by :meth:`of`.
        """
        if self.common is None:
            raise ValueError("across_views() needs keys from Keys.of()")
        return Keys(self.common, self.view, self.common)

    def __len__(self) -> int:
        return self.state.shape[0]

    def __getitem__(self, rows: int | slice | Tensor) -> Keys:
        """The keys of some rows; an integer keeps the batch dimension: ``keys[3]`` has length 1."""
        selected = slice(rows, rows + 1) if isinstance(rows, int) else rows
        common = None if self.common is None else self.common[selected]
        return Keys(self.state[selected], self.view, common)

    def to(self, device: torch.device | str) -> Keys:
        """The same keys on another device."""
        # A copy to the CPU must have arrived before it is read; one to a device is ordered by its stream.
        ahead = torch.device(device).type != "cpu"
        common = None if self.common is None else self.common.to(device, non_blocking=ahead)
        return Keys(self.state.to(device, non_blocking=ahead), self.view, common)

    def bits(self, stream: str, *shape: int) -> Tensor:
        """``(B, *shape) int64`` of 64 random bits; other streams and other positions are independent."""
        base = mix((self.state ^ stream_id(stream)) + _GOLDEN)
        if not shape:
            return base
        counter = torch.arange(1, math.prod(shape) + 1, device=self.state.device) * _GOLDEN
        return mix(base[:, None] + counter).reshape(len(self), *shape)

    def uniform(self, stream: str, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """``(B, *shape) float32``, uniform on ``[low, high)`` with 24 random bits."""
        unit = ((self.bits(stream, *shape) >> 40) & ((1 << 24) - 1)).to(torch.float32) * 2.0**-24
        return unit if (low, high) == (0.0, 1.0) else unit * (high - low) + low

    def number(self, stream: str, position: int) -> float:
        """``uniform(stream, position + 1)[0, position]`` without tensors, for a single key."""
        base = mix_int(int(self.state[0]) ^ stream_id(stream))
        bits = mix_int(base + position * _GOLDEN)
        return (bits >> 40 & ((1 << 24) - 1)) * 2.0**-24

    def bernoulli(self, stream: str, probability: float, *shape: int) -> Tensor:
        """``(B, *shape) bool``, true with the given probability."""
        return self.uniform(stream, *shape) < probability

    def normal(self, stream: str, *shape: int) -> Tensor:
        """``(B, *shape) float32``, standard normal (Box-Muller from two 24-bit uniforms of one hash)."""
        bits = self.bits(stream, *shape)
        scale = 2.0**-24
        radius = (((bits >> 40) & ((1 << 24) - 1)).to(torch.float32) + 0.5) * scale
        angle = ((bits >> 8) & ((1 << 24) - 1)).to(torch.float32) * (scale * 2.0 * math.pi)
        return torch.sqrt(-2.0 * torch.log(radius)) * torch.cos(angle)

    def integers(self, stream: str, high: int, *shape: int) -> Tensor:
        """``(B, *shape) int64``, uniform on ``[0, high)``; the modulo's bias is below ``high / 2**62``."""
        if high < 1:
            raise ValueError(f"integers() needs high >= 1, got {high}")
        return (self.bits(stream, *shape) >> 1 & ((1 << 62) - 1)) % high

    def permutation(self, stream: str, n: int) -> Tensor:
        """``(B, n) int64``, a random order of ``range(n)`` a sample."""
        return self.bits(stream, n).argsort(dim=1)
