"""``signals/standard``: one view of each signal, every random number a function of the sample's key."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from vicreg_core.contracts import Augmentation, Batch, DataInfo
from vicreg_core.contracts.keys import Keys
from vicreg_core.errors import DataError
from vicreg_example_signals.configs import StandardConfig


class StandardAugmentation(Augmentation):
    """Both stages: a random window a sample in workers, then shift, scale, noise and mask a batch.

    Args:
        config: the recipe's keys.
        info: its fact ``length`` is the length of the dataset's signals.
    """

    def __init__(self, config: StandardConfig, info: DataInfo) -> None:
        super().__init__()
        self.config = config
        self.length: int = config.window or info.facts["length"]
        self.per_sample = config.window is not None

    def ingest(self, item: Any) -> Tensor:
        """A signal from a 1-D list, array or tensor of numbers.

        Raises:
            DataError: ``item`` is no such thing, or empty.
        """
        try:
            signal = torch.as_tensor(item, dtype=torch.float32)
        except (TypeError, ValueError, RuntimeError) as error:
            raise DataError(
                f"expected a 1-D signal of numbers, got {type(item).__name__}: {error}"
            ) from error
        if signal.ndim != 1 or len(signal) == 0:
            raise DataError(f"expected a 1-D signal of numbers, got shape {tuple(signal.shape)}")
        return signal

    def prepare(self, sample: Tensor, key: Keys | None) -> Tensor:
        """Cut or zero-pad one signal to the common length; the window is central where there is no key."""
        spare = len(sample) - self.length
        if spare <= 0:
            return torch.nn.functional.pad(sample, (0, -spare))
        start = spare // 2 if key is None else int(key.integers("window", spare + 1))
        return sample[start : start + self.length]

    def forward(self, batch: Batch, keys: Keys | None = None) -> Tensor:
        """``(B, length)`` in and out; unchanged without keys."""
        signals = cast(Tensor, batch)
        if keys is None:
            return signals
        length = signals.shape[1]
        positions = torch.arange(length, device=signals.device)
        shift = (keys.uniform("shift", 1) * (self.config.shift * length)).long()
        view = signals.gather(1, (positions - shift) % length)
        view = view * self.config.scale ** keys.uniform("scale", 1, low=-1.0, high=1.0)
        view = view + self.config.noise * keys.normal("noise", length)
        start = keys.integers("mask", length, 1)
        return view.masked_fill((positions - start) % length < round(self.config.mask * length), 0.0)
