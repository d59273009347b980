"""The protocol ``replicate-retrieval``: do profiles of one treatment find each other across plates?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_biomedical.protocols.columns import Population, population
from vicreg_core.errors import RunError
from vicreg_core.evaluation.subjects.subject import Subject

NULL_SIZE = 2000


@dataclass(frozen=True, slots=True)
class ReplicateRetrieval:
    """Mean average precision of replicate retrieval with copairs (Kalinin et al., bioRxiv 2024.04.01.587631).

    A profile is the mean vector of the cells of one label, batch and well. Profiles of its label in other
    batches are its positives, profiles of other labels its negatives.
    """

    needs_labels: bool = True

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """The mean over labels, the share of labels retrieved better than by chance, and a table of labels.

        Raises:
            RunError: where no label has profiles in two batches, or there is one label only.
        """
        import pandas as pd  # type: ignore[import-untyped]
        from copairs.map import (  # type: ignore[import-untyped]
            average_precision,
            mean_average_precision,
        )

        cells = population(subject, "replicate-retrieval")
        vectors, labels, batches = aggregate(cells)
        spread = [len(np.unique(batches[labels == k])) for k in np.unique(labels)]
        if len(spread) < 2 or max(spread) < 2:
            raise RunError(
                "replicate-retrieval needs two labels or more, and one of them on two groups or more; "
                f"got {len(spread)} labels on at most {max(spread)} groups"
            )
        meta = pd.DataFrame({"label": labels, "batch": batches.astype(str)})
        scores = average_precision(meta, vectors, ["label"], ["batch"], [], ["label"], progress_bar=False)
        found = scores.dropna(subset=["average_precision"])
        table = mean_average_precision(found, ["label"], NULL_SIZE, 0.05, subject.seed, progress_bar=False)
        rows = table.set_index("label").sort_index()
        return {
            "metric": "mean_average_precision",
            "mean_average_precision": float(rows["mean_average_precision"].mean()),
            "share_retrieved": float(rows["below_corrected_p"].mean()),
            "n": len(labels),
            "per_class": [
                {
                    "class": subject.classes[int(k)],
                    "mean_average_precision": float(row["mean_average_precision"]),
                    "corrected_p": float(row["corrected_p_value"]),
                }
                for k, row in rows.iterrows()
            ],
        }


def aggregate(cells: Population) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[Any]]:
    """Mean vector, label and batch of every label, batch and well."""
    wells = np.zeros(len(cells.labels), np.int64) if cells.wells is None else cells.wells
    keys = [np.unique(column, return_inverse=True)[1] for column in (cells.labels, cells.batches, wells)]
    _, first, profile = np.unique(np.stack(keys, axis=1), axis=0, return_index=True, return_inverse=True)
    profile = profile.reshape(-1)
    sums = np.zeros((len(first), cells.vectors.shape[1]), np.float64)
    np.add.at(sums, profile, cells.vectors)
    means = sums / np.bincount(profile)[:, None]
    return means.astype(np.float32), cells.labels[first], cells.batches[first]


def build(config: object) -> ReplicateRetrieval:
    """The protocol ``biomedical/replicate-retrieval``."""
    return ReplicateRetrieval()
