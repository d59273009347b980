"""Which documents are most alike, so that they may be views of one another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vicreg_core.classifiers.neighbours import nearest
from vicreg_core.files import write_array
from vicreg_text.cache import cached_folder, digest_of, key_of
from vicreg_text.tokens.arrays import Tokens
from vicreg_text.tokens.statistics import IDF, VECTORS, count_matrix, read_asset

_FORMAT = 1
_BLOCK = 16_384
"""Documents counted at once."""


class Neighbours:
    """For each document, others that are nearest by LSA of its tokens.

    Args:
        rows: ``(n, k) int64`` documents, nearest first, -1 where there are fewer.
    """

    def __init__(self, rows: NDArray[np.int64]) -> None:
        self._rows = rows

    def of(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Partners ``(B, k) int64`` of some documents, and which of them exist."""
        rows = self._rows[indices]
        return np.maximum(rows, 0), rows >= 0


def nearest_documents(
    tokens: Tokens, key: str, assets: Mapping[str, bytes], k: int, among: NDArray[np.int64], most: int
) -> Neighbours:
    """The ``k`` nearest of each document in ``among``, itself aside; the others have none.

    Similarity is the cosine of the sums of the tokens' vectors, each token weighted by its inverse document
    frequency and ``1 + ln`` of its count: latent semantic analysis (Deerwester et al., 1990). The search is
    exact and takes time with the square of the number of documents, up to ``most``; of more, the neighbours
    are looked for among ``most``, evenly spread.

    Args:
        tokens: of all documents.
        key: identifies them.
        assets: the corpus' statistics, :data:`IDF` and :data:`VECTORS`.
        k: neighbours of a document.
        among: rows of ``tokens`` that may be neighbours and have some.
        most: documents searched.
    """
    digests = [digest_of(part) for part in (assets[IDF], assets[VECTORS], among.tobytes())]

    def write(folder: Path) -> None:
        write_array(folder / "rows.npy", _nearest(tokens, assets, k, among, most))

    folder = cached_folder("neighbours", key_of(_FORMAT, key, digests, k, most), write)
    return Neighbours(np.load(folder / "rows.npy", mmap_mode="r"))


def _nearest(
    tokens: Tokens, assets: Mapping[str, bytes], k: int, among: NDArray[np.int64], most: int
) -> NDArray[np.int64]:
    vectors = _vectors(tokens, assets)[among]
    searched = np.unique(np.linspace(0, len(among) - 1, min(most, len(among))).astype(np.int64))
    # One more than asked for, since a document that is searched finds itself.
    found = among[searched[nearest(vectors, vectors[searched], min(k + 1, len(searched))).row.numpy()]]
    other = found != among[:, None]
    order = np.argsort(~other, axis=1, kind="stable")[:, :k]
    found, other = (np.take_along_axis(each, order, axis=1) for each in (found, other))
    rows = np.full((len(tokens.lengths), k), -1, dtype=np.int64)
    known = np.linalg.norm(vectors, axis=1) > 0
    rows[among, : found.shape[1]] = np.where(other & known[:, None], found, -1)
    return rows


def _vectors(tokens: Tokens, assets: Mapping[str, bytes]) -> NDArray[np.float32]:
    """``(n, D) float32`` LSA of every document."""
    idf = read_asset(assets[IDF])
    weighted = read_asset(assets[VECTORS]) * idf[:, None]
    vectors = np.empty((len(tokens.lengths), weighted.shape[1]), dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK):
        rows = slice(start, min(start + _BLOCK, len(vectors)))
        counts = count_matrix(tokens, rows, len(idf))
        counts.data = 1 + np.log(counts.data)
        vectors[rows] = counts @ weighted
    return vectors
