"""Stain jitter: the amounts of haematoxylin, eosin and residue vary between laboratories, hue does not turn.

Colour deconvolution after Ruifrok and Johnston (Anal. Quant. Cytol. Histol. 23:291, 2001), jittered as in
Tellez et al. (IEEE Trans. Med. Imaging 37:2126, 2018).
"""

from __future__ import annotations

import torch
from torch import Tensor

from vicreg_core.contracts.keys import Keys

_STAINS = torch.tensor([[0.650, 0.704, 0.286], [0.072, 0.990, 0.105], [0.268, 0.570, 0.776]])
"""Optical density of each stain (row) in red, green and blue."""
_FLOOR = 1.0 / 256.0


def jitter_stains(images: Tensor, strength: float, keys: Keys) -> Tensor:
    """``(B, 3, H, W)`` RGB on the unit scale: each stain's amount scaled and shifted up to ``strength``."""
    stains = _STAINS.to(images.device)
    scale = keys.uniform("stain-scale", 3, low=1 - strength, high=1 + strength)
    shift = keys.uniform("stain-shift", 3, low=-strength, high=strength)
    unmix = torch.linalg.inv(_STAINS).to(images.device)
    mixing = (unmix[None, :, :, None] * scale[:, None, :, None] * stains[None, None]).sum(2)
    offset = (shift[:, :, None] * stains[None]).sum(1) * 0.5
    density = -images.clamp(_FLOOR, 1.0).log()
    planes = [
        sum((density[:, k] * mixing[:, k, c, None, None] for k in range(3)), offset[:, c, None, None])
        for c in range(3)
    ]
    return torch.stack(planes, dim=1).neg().exp().clamp(0.0, 1.0)
