"""The protocol ``clustering``: whether k-means finds the classes without seeing a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.evaluation.metrics.bootstrap import mean_interval
from vicreg_core.evaluation.subjects.subject import Subject

RUNS = 5
_STARTS = 3


def cluster(vectors: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
    """The k-means cluster ``(n,) int64`` of each vector, on the unit sphere.

    Args:
        vectors: ``(n, D)``.
        clusters: ``k``, at most ``n``.
        seed: of the k-means++ starts, of which the best is kept.
    """
    from sklearn.cluster import KMeans
    from sklearn.preprocessing import normalize

    assigned = KMeans(clusters, n_init=_STARTS, random_state=seed).fit_predict(normalize(vectors))
    return np.asarray(assigned, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Clustering:
    """The protocol ``clustering``."""

    config: None = None
    needs_labels: bool = True

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """NMI and adjusted Rand index of the test samples, mean over five runs and its 95 % interval."""
        from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

        _, test = subject.labelled()
        clusters = len(np.unique(test.labels))
        runs = [cluster(test.vectors, clusters, subject.seed + run) for run in range(RUNS)]
        nmi = [float(normalized_mutual_info_score(test.labels, run)) for run in runs]
        ari = [float(adjusted_rand_score(test.labels, run)) for run in runs]
        return {
            "metric": "nmi",
            "nmi": float(np.mean(nmi)),
            "interval": mean_interval(nmi),
            "interval_over": "runs of k-means",
            "ari": float(np.mean(ari)),
            "ari_interval": mean_interval(ari),
            "clusters": clusters,
            "n": len(test.labels),
        }
