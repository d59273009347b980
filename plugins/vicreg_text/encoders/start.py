"""Starting a token table from the corpus."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from vicreg_core.contracts import DataInfo
from vicreg_core.errors import DataError
from vicreg_text.tokens.statistics import IDF, VECTORS, read_asset


class CorpusStart(NamedTuple):
    """What the corpus says of its tokens.

    Attributes:
        vectors: ``(V, dim) float32`` right singular vectors of its TF-IDF matrix, of unit mean square.
        idf: ``(V,) float32`` inverse document frequencies, at least 1.
    """

    vectors: Tensor
    idf: Tensor


def corpus_start(info: DataInfo, dim: int) -> CorpusStart:
    """The start of a token table of width ``dim``.

    Raises:
        DataError: where the dataset fitted fewer vectors.
    """
    fitted = info.facts.get("token_vectors", 0)
    if fitted < dim:
        raise DataError(
            f"encoder.init is 'corpus' with dim {dim}, but the dataset fits {fitted} token vectors: set "
            f"data.token_vectors={dim}, or encoder.init=random"
        )
    vectors = torch.from_numpy(read_asset(info.assets[VECTORS]))[:, :dim]
    return CorpusStart(
        vectors / vectors.square().mean().sqrt(), torch.from_numpy(read_asset(info.assets[IDF]))
    )
