"""What is known to describe images well without learning: histograms of gradients and of colours.

The floor that the pixels themselves are too low for: a linear classifier on it is what the field used before
networks (Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

_CELL = 4
"""Pixels a side of a cell; images are at most 32 pixels a side here."""
LEAST_SIDE = 2 * _CELL
"""Pixels a side that an image must have."""
_BINS = 9
_CLIP = 0.2
_COLOURS = 4
"""Steps a channel of the joint colour histogram."""
_QUARTERS = 2
"""Parts a side of which colours are counted apart."""


def gradients_and_colours(images: Tensor) -> Tensor:
    """``(B, C, h, w) float32`` in ``[0, 1]``, at least 8 pixels a side, as ``(B, F) float32``."""
    return torch.cat([oriented_gradients(images), colour_histogram(images)], dim=1)


def oriented_gradients(images: Tensor) -> Tensor:
    """``(B, F)``: nine unsigned orientations in cells of 4 pixels, each 2 x 2 cells put at one length.

    Of several channels each pixel has the gradient of the steepest. Gradients are shared between the two
    nearest orientations, and blocks are clipped at 0.2 and put at one length again, as in the paper.
    """
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    strength, steepest = torch.hypot(across, down).max(dim=1, keepdim=True)
    angle = torch.atan2(down.gather(1, steepest), across.gather(1, steepest)) / torch.pi * _BINS
    lower = angle.floor()
    share = angle - lower
    votes = images.new_zeros(len(images), _BINS, *images.shape[2:])
    votes.scatter_add_(1, lower.long() % _BINS, strength * (1 - share))
    votes.scatter_add_(1, (lower.long() + 1) % _BINS, strength * share)
    cells = F.avg_pool2d(votes, _CELL)
    blocks = F.unfold(cells, 2)
    blocks = F.normalize(blocks, dim=1, eps=1e-3).clamp_max(_CLIP)
    return F.normalize(blocks, dim=1, eps=1e-3).flatten(1)


def colour_histogram(images: Tensor) -> Tensor:
    """``(B, F)``: square roots of the shares of colours in each quarter; joint for three channels."""
    steps = (images * _COLOURS).long().clamp(0, _COLOURS - 1)
    weights = _COLOURS ** torch.arange(min(images.shape[1], 3))
    colour = (steps[:, :3] * weights[:, None, None]).sum(dim=1)
    shares = F.one_hot(colour, _COLOURS ** len(weights)).permute(0, 3, 1, 2).float()
    return F.adaptive_avg_pool2d(shares, _QUARTERS).flatten(1).sqrt()
