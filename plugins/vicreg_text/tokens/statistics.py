"""Statistics of the corpus an encoder may start from: inverse document frequency and SVD token vectors."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.errors import DataError
from vicreg_core.files import write_array
from vicreg_text.cache import cached_folder, key_of
from vicreg_text.tokens.arrays import Tokens

IDF, VECTORS = "init/idf.npy", "init/token_vectors.npy"
"""Names of the assets; what begins with ``init/`` is read when an encoder is built and not saved with it."""

_FORMAT = 2
_POWER_ITERATIONS = 4


def starting_assets(tokens: Tokens, key: str, vocab_size: int, width: int, max_fit: int) -> dict[str, bytes]:
    """The assets :data:`IDF` ``(V,)`` and :data:`VECTORS` ``(V, width)``, both float32 ``.npy``.

    Args:
        tokens: the training documents.
        key: identifies them and their tokenizer.
        vocab_size: number of token ids ``V``.
        width: number of singular vectors.
        max_fit: most documents used.

    Raises:
        DataError: where the corpus has fewer documents or tokens than ``width``.
    """
    n = min(len(tokens.lengths), max_fit)
    if width >= min(n, vocab_size):
        most = min(n, vocab_size) - 1
        raise DataError(
            f"data.token_vectors is {width}, but {n:,} documents and {vocab_size:,} tokens give at most "
            f"{most} vectors; set data.token_vectors={most} encoder.dim={most}, or bring more documents"
        )

    def write(folder: Path) -> None:
        idf, vectors = _fit(tokens, n, vocab_size, width)
        write_array(folder / "idf.npy", idf)
        write_array(folder / "token_vectors.npy", vectors)

    folder = cached_folder("statistics", key_of(_FORMAT, key, vocab_size, width, n), write)
    return {name: (folder / Path(name).name).read_bytes() for name in (IDF, VECTORS)}


def read_asset(asset: bytes) -> NDArray[np.float32]:
    """The array of one of the assets above."""
    array: NDArray[np.float32] = np.load(io.BytesIO(asset), allow_pickle=False)
    return array


def count_matrix(tokens: Tokens, rows: slice, vocab_size: int) -> Any:
    """``(n, V) float32`` scipy CSR matrix: occurrences of each token in documents one after the other."""
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

    offsets = tokens.offsets[rows.start : rows.stop + 1]
    flat = tokens.flat[offsets[0] : offsets[-1]].astype(np.int32)
    counts = csr_matrix(
        (np.ones(len(flat), dtype=np.float32), flat, offsets - offsets[0]),
        shape=(len(offsets) - 1, vocab_size),
    )
    counts.sum_duplicates()
    return counts


def _fit(
    tokens: Tokens, n: int, vocab_size: int, width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.utils.extmath import randomized_svd

    counts = count_matrix(tokens, slice(0, n), vocab_size)
    weighting = TfidfTransformer(sublinear_tf=True).fit(counts)
    _, _, components = randomized_svd(
        weighting.transform(counts), width, n_iter=_POWER_ITERATIONS, random_state=0
    )
    return weighting.idf_.astype(np.float32), np.ascontiguousarray(components.T, dtype=np.float32)
