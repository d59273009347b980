"""The floor every representation of documents is shown beside: latent semantic analysis of TF-IDF."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from vicreg_text.datasets.documents import Documents

_WIDTH = 256


class LsaFloor:
    """TF-IDF of words, reduced by truncated SVD to 256 dimensions (Deerwester et al., 1990).

    Args:
        documents: the training documents; only their texts are used.
        max_fit: most of them used.
    """

    def __init__(self, documents: Documents, max_fit: int) -> None:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._tfidf = TfidfVectorizer(sublinear_tf=True, min_df=2 if len(documents) >= 1000 else 1)
        matrix = self._tfidf.fit_transform(islice(documents.texts(), max_fit))
        self._svd = TruncatedSVD(min(_WIDTH, min(matrix.shape) - 1), random_state=0).fit(matrix)

    def features(self, documents: Documents, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """``(len(indices), at most 256) float32`` features of some documents."""
        reduced = self._svd.transform(self._tfidf.transform(documents.texts(indices)))
        return np.asarray(reduced, dtype=np.float32)


@lru_cache(maxsize=2)
def lsa_floor(documents: Documents, max_fit: int) -> LsaFloor:
    """The floor of a corpus, fitted once a process for the splits that share it."""
    return LsaFloor(documents, max_fit)
