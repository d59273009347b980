"""Decisions that do not favour common classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def equal_priors(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Class probabilities ``(m, K)`` as if all classes of the training ``labels`` were as common.

    The decision that balanced accuracy rewards; rankings within two classes, and so AUROC, do not change.
    """
    prior = np.bincount(labels, minlength=probabilities.shape[1]) / len(labels)
    weighted = np.divide(probabilities, prior, out=np.zeros_like(probabilities), where=prior > 0)
    shares: NDArray[np.float32] = weighted / weighted.sum(axis=1, keepdims=True)
    return shares
