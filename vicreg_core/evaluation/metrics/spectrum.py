"""What the spectrum of a set of vectors says of it, without labels.

They compare runs of one method on one dataset, and nothing else; and the encoder's representation is what to
compare by, since VICReg's loss acts directly on the spectrum of the projector's embedding.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.training.diagnostics import exp_entropy, squared_singular_values

_EPSILON = 1e-7
_LIDAR_RIDGE = 1e-4
_FIT_FROM, _FIT_TO = 11, 100


def covariance_spectrum(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Eigenvalues of the covariance of ``(n, D)`` vectors, largest first, ``min(n - 1, D)`` of them."""
    doubles = torch.from_numpy(vectors).double()
    doubles -= doubles.mean(dim=0)
    n, dims = doubles.shape
    values = squared_singular_values(doubles).flip(0)[: min(n - 1, dims)] / (n - 1)
    return values.numpy()


def rankme(vectors: NDArray[np.float32]) -> float:
    """RankMe (Garrido et al., arXiv:2210.02885): exp of the entropy of the normalised singular values.

    Args:
        vectors: ``(n, D)``, not centred, as in the paper.
    """
    singular = squared_singular_values(torch.from_numpy(vectors).double()).sqrt()
    return exp_entropy(singular, _EPSILON)


def alpha_req(spectrum: NDArray[np.float64]) -> float | None:
    """The decay exponent of the eigenvalues (Agrawal et al., "alpha-ReQ", NeurIPS 2022).

    The least-squares slope of log eigenvalue on log index, over the 11th to the 100th where there are so
    many, else over the middle: from a tenth of them to a half. Near 1 is said to be best; above, few
    directions carry everything; below, noise carries too much. ``None`` where fewer than three are left.

    Args:
        spectrum: eigenvalues of the covariance, largest first.
    """
    positive = spectrum[spectrum > spectrum[0] * 1e-12] if len(spectrum) else spectrum
    enough = len(positive) >= _FIT_TO
    first, last = (_FIT_FROM, _FIT_TO) if enough else (1 + len(positive) // 10, -(-len(positive) // 2))
    if last - first < 2:
        return None
    index = np.arange(first, last + 1)
    slope = np.polyfit(np.log(index), np.log(positive[first - 1 : last]), deg=1)[0]
    return float(-slope)


def lidar(views: NDArray[np.float32]) -> float:
    """LiDAR (Thilak et al., arXiv:2312.04000): the effective rank of what tells samples apart.

    The linear discriminant of the surrogate task "which sample is this a view of": the between-sample
    covariance, whitened by the within-sample covariance of the views.

    Args:
        views: ``(n, V, D)``, ``V >= 2`` views of each of ``n >= 2`` samples.
    """
    doubles = torch.from_numpy(views).double()
    n, count, dims = doubles.shape
    means = doubles.mean(dim=1)
    within = (doubles - means[:, None]).reshape(-1, dims)
    between = means - means.mean(dim=0)
    within_covariance = within.T @ within / (n * (count - 1))
    within_covariance.diagonal().add_(_LIDAR_RIDGE)
    factor = torch.linalg.cholesky(within_covariance)
    whitened = torch.linalg.solve_triangular(factor, between.T, upper=False).T
    return exp_entropy(squared_singular_values(whitened), _EPSILON)


def alignment(views: NDArray[np.float32]) -> float:
    """Mean squared distance of two views of a sample on the unit sphere (arXiv:2005.10242); 0 is best.

    Args:
        views: ``(n, V, D)``; over all pairs of views.
    """
    unit = torch.nn.functional.normalize(torch.from_numpy(views).double(), dim=2)
    count = unit.shape[1]
    # The mean over pairs of |a - b|^2 on the sphere is 2 - 2 times their mean cosine.
    cosines = unit.sum(dim=1).square().sum(dim=1) - count
    return float((2 - 2 * cosines / (count * (count - 1))).mean())


def uniformity(vectors: NDArray[np.float32]) -> float:
    """log of the mean of ``exp(-2 |a - b|^2)`` over pairs on the unit sphere (arXiv:2005.10242); low is even.

    Args:
        vectors: ``(n, D)``; memory grows with ``n`` squared.
    """
    unit = torch.nn.functional.normalize(torch.from_numpy(vectors).double(), dim=1)
    distances = torch.pdist(unit).square()
    return float(torch.logsumexp(-2 * distances, dim=0) - np.log(len(distances)))
