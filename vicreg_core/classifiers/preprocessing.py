"""What is done to features before a linear classifier sees them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_BLOCK = 65_536
_OVERSAMPLE = 32


@dataclass(frozen=True, slots=True)
class Standardiser:
    """Standardises features, and turns them to fewer dimensions where there are more than useful.

    Attributes:
        mean, scale: ``(F,)`` of the features it was fitted on; a constant feature has scale 1.
        rotation: ``(F, D)`` orthonormal columns, or ``None``.
        kept: share of the variance that is left after the rotation.
    """

    mean: Tensor
    scale: Tensor
    rotation: Tensor | None = None
    kept: float = 1.0

    @classmethod
    def fit(cls, features: Tensor, max_dims: int | None = None) -> Standardiser:
        """Fit to ``(n, F)`` floating features.

        With ``max_dims`` below ``F`` the standardised features are projected onto that many leading principal
        components, which keep their variances: a penalised linear classifier then solves nearly the same
        problem, since its penalty does not depend on the axes.
        """
        scale, mean = torch.std_mean(features, dim=0, correction=0)
        # A feature that is constant up to rounding says nothing and would be blown up to noise.
        constant = scale <= 1e-6 * mean.abs().clamp_min(torch.finfo(features.dtype).tiny)
        plain = cls(mean, torch.where(constant, torch.ones_like(scale), scale))
        if max_dims is None or features.shape[1] <= max_dims:
            return plain
        rotation, kept = _principal_axes(plain(features), max_dims)
        return cls(plain.mean, plain.scale, rotation, kept)

    def __call__(self, features: Tensor) -> Tensor:
        """``(m, F) -> (m, D)``, in blocks, so that only the result takes memory."""
        blocks = ((block - self.mean) / self.scale for block in features.split(_BLOCK))
        return torch.cat([block if self.rotation is None else block @ self.rotation for block in blocks])

    def reduction(self) -> dict[str, float]:
        """What a result must say of a rotation; empty where there is none."""
        if self.rotation is None:
            return {}
        return {"principal_components": self.rotation.shape[1], "variance_kept": round(self.kept, 4)}


def _principal_axes(centred: Tensor, dims: int) -> tuple[Tensor, float]:
    """The leading principal axes of centred features, at most ``dims``, and the share of variance along them.

    Found by randomised subspace iteration (Halko et al., arXiv:0909.4061) from a fixed start: the exact
    decomposition of 10,000 images of 64 x 64 pixels would take minutes.
    """
    devices = [centred.device] if centred.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(0)
        _, singular, axes = torch.svd_lowrank(centred, q=min(dims + _OVERSAMPLE, *centred.shape), niter=2)
    return axes[:, :dims], float(singular[:dims].square().sum() / centred.square().sum())
