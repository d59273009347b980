"""From raw pixel values to the scale an encoder sees, with statistics fitted on the training set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vicreg_biomedical.augmentations.shapes import beside
from vicreg_core.errors import DataError


class Normalise(nn.Module):
    """Two affine steps: raw values to [0, 1], where views are made, and from there to zero mean, unit scale.

    Args:
        method: ``"percentile"`` and ``"range"`` use fixed bounds and keep differences of brightness between
            cells; ``"cell"`` stretches every channel of every crop by its own percentiles and removes them,
            and takes any number of channels.
        facts: of the dataset: ``channels``, ``range`` and ``statistics`` (``low``, ``high``, ``mean`` and
            ``std``, a list of one number a channel each).

    Raises:
        DataError: where the facts lack what the method needs.
    """

    low: Tensor
    high: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, method: str, facts: Mapping[str, Any]) -> None:
        super().__init__()
        self.per_cell = method == "cell"
        self.channels: int | None = None if self.per_cell else int(facts["channels"])
        if self.per_cell:
            bounds = {"low": [0.0], "high": [1.0], "mean": [0.4], "std": [0.3]}
        else:
            bounds = _fixed_bounds(method, facts)
        for name, values in bounds.items():
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32)[None], persistent=False)

    def to_unit(self, raw: Tensor) -> Tensor:
        """``(B, C, H, W)`` or ``(B, C, D, H, W)`` of any dtype to float32 on the unit scale; not clipped.

        Raises:
            DataError: for a number of channels the statistics were not fitted on.
        """
        pixels = raw.to(torch.float32)
        if self.channels is not None and pixels.shape[1] != self.channels:
            raise DataError(
                f"the crops have {pixels.shape[1]} channels but normalisation was fitted on {self.channels}; "
                f"choose channels with data.channels, or use augmentation.normalise=cell"
            )
        if not self.per_cell:
            return (pixels - beside(self.low, pixels)) / beside(self.high - self.low, pixels)
        bounds = _percentiles(pixels, (0.01, 0.99))
        return ((pixels - bounds[0]) / (bounds[1] - bounds[0]).clamp_min(1e-6)).clamp(0.0, 1.0)

    def standardise(self, unit: Tensor) -> Tensor:
        """Unit scale to roughly zero mean and unit variance over the training set; 0 is its mean."""
        return (unit - beside(self.mean, unit)) / beside(self.std, unit)


def _percentiles(pixels: Tensor, shares: Sequence[float]) -> list[Tensor]:
    """Each ``(B, C, 1, ...)``: order statistics of each channel of each crop."""
    ordered = pixels.flatten(2).sort(dim=2).values
    last = ordered.shape[2] - 1
    return [beside(ordered[:, :, round(share * last)], pixels) for share in shares]


def _fixed_bounds(method: str, facts: Mapping[str, Any]) -> dict[str, list[float]]:
    channels, statistics = int(facts["channels"]), facts["statistics"]
    if method == "range":
        lowest, highest = facts["range"]
        low, high = [float(lowest)] * channels, [float(highest)] * channels
    else:
        low, high = list(statistics["low"]), list(statistics["high"])
    flat = [i for i in range(channels) if not high[i] > low[i]]
    if flat:
        names = [facts["channel_names"][i] for i in flat]
        raise DataError(
            f"channel {', '.join(map(str, names))} is constant over the training set and cannot be "
            f"normalised; leave it out with data.channels, or check how it was exported"
        )
    mean = [(m - a) / (b - a) for m, a, b in zip(statistics["mean"], low, high, strict=True)]
    std = [max(s / (b - a), 1e-6) for s, a, b in zip(statistics["std"], low, high, strict=True)]
    return {"low": low, "high": high, "mean": mean, "std": std}
