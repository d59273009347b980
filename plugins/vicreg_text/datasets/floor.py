"""The floors every representation of documents is shown beside: TF-IDF, and its latent semantic analysis."""

from __future__ import annotations

from functools import lru_cache, partial
from itertools import islice
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts import Floor
from vicreg_text.datasets.documents import Documents

Unit: TypeAlias = Literal["words", "characters"]
"""What is counted: words, or runs of three to five characters within words."""

LSA_WIDTH = 256
WIDTH = 1024
"""Most dimensions of TF-IDF, which has a sixth as many as there are documents. On 10,003 questions that is as
good as the whole of it, to 0.007 of accuracy."""

_MOST_TERMS = 65_536
_OVERSAMPLE = 16
_POWER_ITERATIONS = 1
_TINY = 1e-8
_MOST_REDUCED = 20_000
"""Documents the reduction is fitted to: the axes of more are the same."""


class TfidfFloor:
    """TF-IDF reduced by truncated SVD, at unit length (Deerwester et al., 1990).

    The 256 leading dimensions of words are latent semantic analysis, the floor of old.

    Args:
        documents: the training documents; only their texts are used.
        max_fit: most of them used.
        unit: what is counted.
    """

    def __init__(self, documents: Documents, max_fit: int, unit: Unit) -> None:
        how: dict[str, Any] = {"analyzer": "char_wb", "ngram_range": (3, 5)} if unit == "characters" else {}
        rare = 2 if len(documents) >= 1000 else 1
        try:
            self._tfidf, matrix = _counted(documents, max_fit, min_df=rare, **how)
        except ValueError:
            # No term is left: words of one letter, or none that two documents share. Then every term counts.
            how = how or {"token_pattern": r"\S+"}
            self._tfidf, matrix = _counted(documents, max_fit, min_df=1, **how)
        matrix = matrix[:_MOST_REDUCED]
        self._axes = leading_axes(matrix, min(WIDTH, max(LSA_WIDTH, matrix.shape[0] // 6)))

    def features(self, documents: Documents, width: int, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """``(len(indices), at most width) float32`` features of some documents, of length at most 1."""
        reduced = self._tfidf.transform(documents.texts(indices)) @ self._axes[:, :width]
        return np.ascontiguousarray(reduced, dtype=np.float32)


def _counted(documents: Documents, max_fit: int, **how: Any) -> tuple[Any, Any]:
    """A fitted TF-IDF and the matrix of the documents it was fitted to."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    tfidf = TfidfVectorizer(sublinear_tf=True, max_features=_MOST_TERMS, dtype=np.float32, **how)
    return tfidf, tfidf.fit_transform(islice(documents.texts(), max_fit))


def leading_axes(matrix: Any, width: int) -> NDArray[np.float32]:
    """``(m, width) float32``: the leading right singular vectors of a sparse ``(n, m) float32``, fewer if it
    has fewer.

    Randomised subspace iteration (Halko et al., arXiv:0909.4061, algorithm 4.4) with every factorisation on
    the side of the documents or smaller; scikit-learn's takes them of the terms, of which there are more.
    """
    wide = min(width + _OVERSAMPLE, *matrix.shape)
    basis = matrix @ np.random.default_rng(0).standard_normal((matrix.shape[1], wide), dtype=np.float32)
    for _ in range(_POWER_ITERATIONS):
        basis = matrix @ (matrix.T @ np.linalg.qr(basis).Q)
    across = matrix.T @ np.linalg.qr(basis).Q
    squares, turn = np.linalg.eigh(across.T.astype(np.float64) @ across)
    kept = np.flatnonzero(squares > _TINY * squares[-1])[::-1][:width]
    axes: NDArray[np.float32] = across @ (turn[:, kept] / np.sqrt(squares[kept])).astype(np.float32)
    return axes


@lru_cache(maxsize=4)
def tfidf_floor(documents: Documents, max_fit: int, unit: Unit) -> TfidfFloor:
    """The floor of a corpus, fitted once a process for the splits that share it."""
    return TfidfFloor(documents, max_fit, unit)


class Floors:
    """The floors of a corpus, fitted to its training documents when they are first asked for.

    Args:
        documents: the training documents.
        max_fit: most of them used.
    """

    def __init__(self, documents: Documents, max_fit: int) -> None:
        self.documents, self.max_fit = documents, max_fit

    def lsa(self, documents: Documents, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """``(len(indices), at most 256) float32`` LSA of some documents."""
        return self._features("words", documents, LSA_WIDTH, indices)

    def of(self, documents: Documents) -> dict[str, Floor]:
        """All floors by name, for the documents of a split."""
        words, characters = (
            partial(self._features, unit, documents, WIDTH) for unit in ("words", "characters")
        )
        return {
            "raw_features": Floor(partial(self.lsa, documents), cosines=True),
            "TF-IDF of words": Floor(words, cosines=True),
            "TF-IDF of characters": Floor(characters, cosines=True),
        }

    def _features(
        self, unit: Unit, documents: Documents, width: int, indices: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        return tfidf_floor(self.documents, self.max_fit, unit).features(documents, width, indices)
