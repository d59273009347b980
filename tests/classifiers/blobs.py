"""Samples around a few directions, of which few are labelled."""

from __future__ import annotations

import numpy as np

from vicreg_core.classifiers.pool import Pool

CLASSES, DIMS = 3, 8


def blobs(n: int = 150, noise: float = 0.25, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """``(n, 8) float32`` vectors, and the class of each."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((CLASSES, DIMS))
    truth = np.arange(n) % CLASSES
    vectors = centres[truth] + noise * generator.standard_normal((n, DIMS))
    return vectors.astype(np.float32), truth


def pool(known: int, n: int = 150, noise: float = 0.25, seed: int = 0, **more) -> tuple[Pool, np.ndarray]:
    """A pool with ``known`` labels of each class, and the truth."""
    vectors, truth = blobs(n, noise, seed)
    labels = np.full(n, -1)
    for k in range(CLASSES):
        labels[np.flatnonzero(truth == k)[:known]] = k
    return Pool(vectors, labels, CLASSES, seed=seed, **more), truth
