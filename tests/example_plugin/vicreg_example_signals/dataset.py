"""``signals/waveforms``: periodic signals of four shapes, of random frequency, phase and amplitude."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vicreg_core.contracts import DataInfo, DatasetAdapter, Split
from vicreg_example_signals.configs import WaveformsConfig

CLASSES = ("sine", "square", "triangle", "sawtooth")


class Waveforms(DatasetAdapter):
    """Signals held in memory, so a batch is one vectorised read and no worker process is needed.

    Args:
        signals: ``(n, length) float32``.
        labels: ``(n,) int64``, indices into :data:`CLASSES`.
        split: prefix of the ids.
    """

    in_memory = True
    classes = CLASSES

    def __init__(self, signals: NDArray[np.float32], labels: NDArray[np.int64], split: Split) -> None:
        self.signals, self.labels = signals, labels
        self.ids = [f"{split}-{row:06d}" for row in range(len(signals))]
        self.info = DataInfo(facts={"length": signals.shape[1]})

    def __getitem__(self, index: int) -> Tensor:
        """One signal, ``(length,) float32``."""
        return torch.from_numpy(self.signals[index])

    def __getitems__(self, indices: Sequence[int] | NDArray[np.int64]) -> Tensor:
        """A batch of signals, ``(len(indices), length) float32``."""
        return torch.from_numpy(self.signals[np.asarray(indices)])

    def raw_features(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """The signals themselves: what a representation has to beat."""
        return self.signals[indices]


def read_waveforms(config: WaveformsConfig, split: Split) -> Waveforms:
    """The split's signals; the same configuration gives the same ones, and the splits share none."""
    generator = np.random.default_rng([config.seed, {"train": 0, "test": 1}[split]])
    n = config.samples
    labels = generator.integers(len(CLASSES), size=n)
    frequency, phase = generator.uniform(2, 6, (n, 1)), generator.uniform(0, 1, (n, 1))
    amplitude = generator.uniform(0.5, 2, (n, 1))
    cycle = (frequency * np.linspace(0, 1, config.length) + phase) % 1
    shapes = np.stack(
        [np.sin(2 * np.pi * cycle), np.sign(cycle - 0.5), 4 * np.abs(cycle - 0.5) - 1, 2 * cycle - 1]
    )
    signals = amplitude * shapes[labels, np.arange(n)] + config.noise * generator.standard_normal(cycle.shape)
    return Waveforms(signals.astype(np.float32), labels, split)
