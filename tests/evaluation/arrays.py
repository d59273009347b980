"""Vectors with labels for the protocols."""

from __future__ import annotations

from typing import Any

import numpy as np

from vicreg_core.evaluation.subjects.subject import Features, Subject


def blobs(
    n: int = 120, dims: int = 10, classes: int = 3, spread: float = 1.0, seed: int = 0
) -> tuple[Any, Any, Any, Any]:
    """``n`` training and ``n // 2`` test points around random centres, with labels; units differ by axis."""
    generator = np.random.default_rng(seed)
    centres, units = generator.normal(size=(classes, dims)), np.geomspace(0.1, 10, dims)

    def draw(count: int) -> tuple[Any, Any]:
        labels = np.arange(count) % classes
        points = (centres[labels] + spread * generator.normal(size=(count, dims))) * units
        return points.astype(np.float32), labels

    return *draw(n), *draw(n // 2)


def subject(train: Any, labels: Any, test: Any, test_labels: Any, **more: Any) -> Subject:
    """A subject of these vectors; ``train_groups`` and ``test_groups`` may be given."""
    train_groups, test_groups = more.pop("train_groups", None), more.pop("test_groups", None)
    return Subject(
        name="encoder",
        train=Features(ids=np.arange(len(train)), vectors=train, labels=labels, groups=train_groups),
        test=Features(ids=np.arange(len(test)), vectors=test, labels=test_labels, groups=test_groups),
        classes=[f"class {k}" for k in range(int(labels.max()) + 1)],
        **more,
    )
