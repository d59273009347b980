"""The protocol ``rank``: how many directions the representation and the embedding use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.evaluation.metrics.spectrum import (
    alignment,
    alpha_req,
    covariance_spectrum,
    lidar,
    rankme,
    uniformity,
)
from vicreg_core.evaluation.subjects.subject import Subject
from vicreg_core.training.projector import Project

LIDAR_SAMPLES, LIDAR_VIEWS = 512, 8
_PAIRED = 2048
_METRICS = ("rankme", "alpha_req", "uniformity", "lidar", "alignment")


@dataclass(frozen=True, slots=True)
class RankDiagnostics:
    """The protocol ``rank``; it needs no labels.

    Its figures rank runs of one method on one dataset; a floor's are shown beside them, but being above them
    means nothing, so there is no verdict.
    """

    config: None = None
    needs_labels: bool = False

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """RankMe, alpha-ReQ and uniformity of the training samples; of their views LiDAR and alignment.

        Of the representation, and under ``embedding`` of the projector's output where it is at hand.
        """
        vectors = subject.train.vectors
        views = None if subject.views is None else subject.views(LIDAR_SAMPLES, LIDAR_VIEWS)
        found = _figures(vectors, views)
        rows = list(_rows("", found, len(vectors)))
        result: dict[str, Any] = {
            "comparable": False,
            "n": len(vectors),
            "n_with_views": 0 if views is None else len(views),
        }
        if (project := subject.projector()) is not None:
            of_views = None if views is None else _project_views(project, views)
            result["embedding"] = _figures(project(vectors), of_views)
            rows += _rows("embedding ", result["embedding"], len(vectors))
        return {**result, **found, "rows": rows}


def _figures(vectors: NDArray[np.float32], views: NDArray[np.float32] | None) -> dict[str, Any]:
    """The figures of one space, its width and its normalised spectrum."""
    spectrum = covariance_spectrum(vectors)
    figures: dict[str, Any] = {
        "dims": vectors.shape[1],
        "rankme": rankme(vectors),
        "alpha_req": alpha_req(spectrum),
        "uniformity": uniformity(vectors[:: -(-len(vectors) // _PAIRED)]),
    }
    if views is not None:
        figures |= {"lidar": lidar(views), "alignment": alignment(views)}
    total = spectrum.sum()
    return {**figures, "spectrum": np.round(spectrum / total, 8).tolist() if total > 0 else []}


def _project_views(project: Project, views: NDArray[np.float32]) -> NDArray[np.float32]:
    n, count, dims = views.shape
    return project(views.reshape(n * count, dims)).reshape(n, count, -1)


def _rows(space: str, figures: dict[str, Any], n: int) -> Iterator[dict[str, Any]]:
    for metric in _METRICS:
        if (value := figures.get(metric)) is not None:
            yield {"name": space + metric, "metric": metric, metric: value, "interval": None, "n": n}
