"""Representations in the plane: UMAP where it is installed, and the principal components."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_FEWEST_FOR_UMAP = 16
MOST_FOR_UMAP = 50_000
"""Vectors above which UMAP takes minutes where the principal components take seconds."""


class Projection(NamedTuple):
    """A projection to the plane.

    Attributes:
        name: of the method.
        note: what it keeps and what it does not, in a sentence.
        points: ``(n, 2) float32``.
    """

    name: str
    note: str
    points: NDArray[np.float32]


def projections(vectors: NDArray[np.float32], seed: int) -> Iterator[Projection]:
    """UMAP where umap-learn is installed and there are neither too few nor too many vectors, then PCA.

    Each is made when it is asked for, and gives the same points again for the same vectors and seed.

    Args:
        vectors: ``(n, D) float32`` representations.
        seed: of UMAP.
    """
    if find_spec("umap") is not None and _FEWEST_FOR_UMAP <= len(vectors) <= MOST_FOR_UMAP:
        yield _umap(vectors, seed)
    yield principal(vectors)


def principal_components(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The first two principal components ``(n, 2)`` and their shares of the variance ``(2,)``.

    Each axis points to where its largest entry is positive, so that the picture does not flip between runs.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    values, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    if axes.shape[1] < 2:
        axes = np.pad(axes, ((0, 0), (0, 1)))
    total = max(float(values.sum()), 1e-300)
    shares = np.pad(np.maximum(values[::-1][:2], 0) / total, (0, max(0, 2 - len(values))))
    return (centred @ axes).astype(np.float32), shares


def principal(vectors: NDArray[np.float32]) -> Projection:
    """The principal components, of any number of vectors ``(n, D) float32``."""
    points, shares = principal_components(vectors)
    note = (
        f"Principal components: the two directions along which the representation varies most, with "
        f"{100 * shares[0]:.1f} % and {100 * shares[1]:.1f} % of its variance."
    )
    return Projection("PCA", note, points)


def _umap(vectors: NDArray[np.float32], seed: int) -> Projection:
    with warnings.catch_warnings():
        # It warns that a seed costs it its threads; the seed is what makes the map reproducible.
        warnings.filterwarnings("ignore", message=".*n_jobs.*")
        points = (
            import_module("umap")
            .UMAP(metric="cosine", n_neighbors=min(15, len(vectors) - 1), random_state=seed)
            .fit_transform(vectors)
        )
    note = "UMAP keeps neighbours together; distances between groups, their sizes and the axes mean nothing."
    return Projection("UMAP", note, points)
