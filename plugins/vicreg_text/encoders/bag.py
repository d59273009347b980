"""A weighted bag of token embeddings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vicreg_core.contracts import Batch, DataInfo, Encoder
from vicreg_text.encoders.config import BagConfig
from vicreg_text.encoders.start import corpus_start

_EPSILON = 1e-12  # inside the root, whose slope at 0 is infinite


class BagEncoder(Encoder):
    """Sum of weighted token embeddings, normalised, or over the root of the summed squared weights.

    With weights set to the inverse document frequency and the table to the right singular vectors of the
    corpus' TF-IDF matrix, the representation of a document is, up to a factor, its latent semantic analysis
    (Deerwester et al., 1990): training starts from LSA and moves on.

    Args:
        vocab_size: number of token ids.
        dim: width of the representation.
        train_weights: learn the weight of each token.
        normalize: give every representation the norm ``sqrt(dim)``.
    """

    def __init__(
        self, vocab_size: int, dim: int, *, train_weights: bool = True, normalize: bool = True
    ) -> None:
        super().__init__()
        self.embedding_dim, self.normalize = dim, normalize
        self.table = nn.Parameter(torch.randn(vocab_size, dim))
        self.log_weight = nn.Parameter(torch.zeros(vocab_size), requires_grad=train_weights)

    @property
    def rebuild_options(self) -> Mapping[str, Any]:
        """A saved encoder brings its table along."""
        return {"init": "random"}

    def forward(self, batch: Batch) -> Tensor:
        """``{"ids": (B, L) int64, "mask": (B, L) bool}`` to ``(B, dim)``; zeros for an empty document."""
        assert isinstance(batch, dict)
        ids, mask = batch["ids"], batch["mask"]
        count = mask.sum(1)
        # Flat, since a batch of documents is mostly padding, which would be looked up and summed as well.
        tokens, first = ids[mask], count.cumsum(0) - count
        weight = functional.embedding(tokens, self.log_weight[:, None])[..., 0].exp()
        summed = functional.embedding_bag(
            tokens, self.table.to(weight.dtype), first, per_sample_weights=weight, mode="sum"
        )
        if self.normalize:
            return functional.normalize(summed, dim=1) * math.sqrt(self.embedding_dim)
        row = torch.repeat_interleave(torch.arange(len(ids), device=ids.device), count)
        squares = weight.new_zeros(len(ids)).index_add(0, row, weight.square())
        return summed / (squares[:, None] + _EPSILON).sqrt()


def build(config: BagConfig, info: DataInfo) -> BagEncoder:
    """The encoder ``text/bag``.

    Raises:
        DataError: where the table should start from the corpus and the dataset fitted no vectors.
    """
    encoder = BagEncoder(
        info.facts["vocab_size"],
        config.dim,
        train_weights=config.train_weights,
        normalize=config.normalize,
    )
    if config.init == "corpus":
        start = corpus_start(info, config.dim)
        with torch.no_grad():
            encoder.table.copy_(start.vectors)
            encoder.log_weight.copy_(start.idf.log())
    return encoder
