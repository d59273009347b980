"""Representations in the plane."""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from vicreg_core.report.snapshot_file import GRID, Map

_FEWEST_FOR_UMAP = 16


def maps_of(vectors: NDArray[np.float32], seed: int) -> list[Map]:
    """UMAP where umap-learn is installed, then the principal components.

    Args:
        vectors: ``(n, D) float32`` representations.
        seed: of UMAP.
    """
    made = [_principal(vectors)]
    if find_spec("umap") is not None and len(vectors) >= _FEWEST_FOR_UMAP:
        made.insert(0, _umap(vectors, seed))
    return made


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


def _principal(vectors: NDArray[np.float32]) -> Map:
    points, shares = principal_components(vectors)
    note = (
        f"Principal components: the two directions along which the representation varies most, with "
        f"{100 * shares[0]:.1f} % and {100 * shares[1]:.1f} % of its variance."
    )
    return _map("PCA", note, points)


def _umap(vectors: NDArray[np.float32], seed: int) -> Map:
    with warnings.catch_warnings():
        # It warns that a seed costs it its threads; the seed is what makes the map reproducible.
        warnings.filterwarnings("ignore", message=".*n_jobs.*")
        points = (
            import_module("umap")
            .UMAP(metric="cosine", n_neighbors=min(15, len(vectors) - 1), random_state=seed)
            .fit_transform(vectors)
        )
    note = "UMAP keeps neighbours together; distances between groups, their sizes and the axes mean nothing."
    return _map("UMAP", note, points)


def _map(name: str, note: str, points: NDArray[np.float32]) -> Map:
    low, high = points.min(axis=0), points.max(axis=0)
    middle, reach = (low + high) / 2, np.maximum(high - low, 1e-12)
    grid = np.rint(((points - middle) / reach + 0.5) * GRID).astype(int)
    return Map(name=name, note=note, x=grid[:, 0].tolist(), y=grid[:, 1].tolist())
