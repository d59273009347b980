"""The protocol ``rank``: how many directions a representation uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from vicreg_core.evaluation.spectrum import (
    alignment,
    alpha_req,
    covariance_spectrum,
    lidar,
    rankme,
    uniformity,
)
from vicreg_core.evaluation.subject import Subject

LIDAR_SAMPLES, LIDAR_VIEWS = 512, 8
_PAIRED = 2048


@dataclass(frozen=True, slots=True)
class RankDiagnostics:
    """The protocol ``rank``; it needs no labels.

    Its figures rank runs of one method on one dataset; a floor's are shown beside them, but being above them
    means nothing, so there is no verdict.
    """

    needs_labels: bool = False

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """RankMe, alpha-ReQ and uniformity of the training samples; of their views LiDAR and alignment."""
        vectors = subject.train.vectors
        spectrum = covariance_spectrum(vectors)
        figures: dict[str, float | None] = {"rankme": rankme(vectors), "alpha_req": alpha_req(spectrum)}
        figures["uniformity"] = uniformity(vectors[:: -(-len(vectors) // _PAIRED)])
        n_views = 0
        if subject.views is not None:
            views = subject.views(LIDAR_SAMPLES, LIDAR_VIEWS)
            n_views = len(views)
            figures |= {"lidar": lidar(views), "alignment": alignment(views)}
        return {
            "comparable": False,
            "n": len(vectors),
            "n_with_views": n_views,
            "dims": vectors.shape[1],
            **figures,
            "rows": list(_rows(figures, len(vectors))),
            "spectrum": np.round(spectrum / spectrum.sum(), 8).tolist() if spectrum.sum() > 0 else [],
        }


def _rows(figures: dict[str, float | None], n: int) -> Iterator[dict[str, Any]]:
    for name, value in figures.items():
        if value is not None:
            yield {"name": name, "metric": name, name: value, "interval": None, "n": n}
