"""The shape of the cloud of vectors: is it a cone, does it follow length, does padding leak in?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.evaluation.subjects.subject import Subject

_SHORT = "A heron stands in the shallow water."
_LONG = "The river carries sand, leaves and light down to the lake. " * 12


def mean_cosine(vectors: NDArray[np.float64]) -> float:
    """Mean cosine of all pairs of unlike rows: 0 for an isotropic cloud, 1 for a ray."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    n = len(unit)
    total = float((unit.sum(0) ** 2).sum()) - float((unit**2).sum())
    return total / (n * (n - 1))


def spectrum(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eigenvalues of the covariance, largest first, as shares of their sum; zeros for constant vectors."""
    centred = vectors - vectors.mean(0)
    values = np.linalg.eigvalsh(centred.T @ centred)[::-1].clip(min=0)
    total = values.sum()
    shares: NDArray[np.float64] = values / total if total > 0 else values
    return shares


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Pearson's correlation; 0 where one side is constant."""
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Geometry:
    """The protocol ``text/geometry``.

    Anisotropy as in Ethayarajh, arXiv:1909.00512 (mean cosine) and Mu and Viswanath, arXiv:1702.01417 (share
    of the top eigenvalue); how strongly the first principal component and the norm follow document length;
    and the largest relative change of a short text's vector when it is encoded beside a long one.
    """

    needs_labels: bool = False

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """Figures of the held-out samples, or of the training samples where none are held out."""
        features = subject.train if subject.test is None else subject.test
        vectors = features.vectors.astype(np.float64)
        if len(vectors) < 2:
            return {"skipped": "it needs at least two samples"}
        shares = spectrum(vectors)
        isotropy = 1.0 - mean_cosine(vectors)
        result: dict[str, Any] = {
            "metric": "isotropy",
            "comparable": False,
            "isotropy": isotropy,
            "interval": None,
            "n": len(vectors),
            "mean_cosine": 1.0 - isotropy,
            "top_eigenvalue_share": float(shares[0]),
        }
        if (lengths := features.metadata.get("tokens")) is not None:
            result |= _length_figures(vectors, np.log1p(np.asarray(lengths, dtype=np.float64)))
        if subject.encode is not None:
            alone = subject.encode([_SHORT])[0]
            beside = subject.encode([_SHORT, _LONG])[0]
            change = np.abs(alone - beside).max() / max(float(np.abs(alone).max()), 1e-12)
            result["padding_change"] = float(change)
        return result


def _length_figures(vectors: NDArray[np.float64], lengths: NDArray[np.float64]) -> dict[str, float]:
    centred = vectors - vectors.mean(0)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    return {
        "length_correlation_first_component": abs(correlation(centred @ axis, lengths)),
        "length_correlation_norm": correlation(np.linalg.norm(vectors, axis=1), lengths),
    }


def build(config: None) -> Geometry:
    """The protocol ``text/geometry``."""
    return Geometry()
