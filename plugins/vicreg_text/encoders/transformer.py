"""A small transformer over token ids, for training from scratch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vicreg_core.contracts import Batch, DataInfo, Encoder
from vicreg_text.encoders.config import TransformerConfig
from vicreg_text.encoders.start import corpus_start
from vicreg_text.encoders.windows import pooled_mean


class Block(nn.Module):
    """A pre-norm transformer block with rotary positions.

    Args:
        config: width, heads, dropout.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        dim, inner = config.dim, int(config.dim * config.mlp_ratio)
        self.heads, self.dropout = config.heads, config.dropout
        self.norm_attention, self.norm_mlp = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, inner), nn.GELU(), nn.Linear(inner, dim))

    def forward(self, x: Tensor, attend: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """``(W, l, D)`` to the same; ``attend``: ``(W, 1, 1, l) bool``, the tokens that are looked at."""
        x = x + self._drop(self._attention(self.norm_attention(x), attend, cos, sin))
        return x + self._drop(self.mlp(self.norm_mlp(x)))

    def _attention(self, x: Tensor, attend: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        rows, length, dim = x.shape
        query, key, value = self.qkv(x).view(rows, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(
            rotate(query, cos, sin), rotate(key, cos, sin), value, attn_mask=attend
        )
        out: Tensor = self.out(mixed.transpose(1, 2).reshape(rows, length, dim))
        return out

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout, self.training)


def rotary(length: int, dim: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines ``(length, dim / 2)`` of rotary positions (Su et al., arXiv:2104.09864)."""
    frequency = 10_000.0 ** (-torch.arange(0, dim, 2, device=device, dtype=torch.float32) / dim)
    angle = torch.arange(length, device=device, dtype=torch.float32)[:, None] * frequency
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the two halves of each ``(..., l, d)`` vector by its position's angles."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


class TransformerEncoder(Encoder):
    """Token embeddings, blocks, and the mean over all tokens; documents longer than the window in turns.

    Args:
        vocab_size: number of token ids.
        config: the recipe keys.
    """

    def __init__(self, vocab_size: int, config: TransformerConfig) -> None:
        super().__init__()
        self.embedding_dim, self.config = config.dim, config
        self.table = nn.Embedding(vocab_size, config.dim)
        self.norm_in = nn.LayerNorm(config.dim)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm_out = nn.LayerNorm(config.dim)

    @property
    def rebuild_options(self) -> Mapping[str, Any]:
        """A saved encoder brings its table along."""
        return {"init": "random"}

    def forward(self, batch: Batch) -> Tensor:
        """``{"ids": (B, L) int64, "mask": (B, L) bool}`` to ``(B, dim)``; zeros for an empty document."""
        assert isinstance(batch, dict)
        return pooled_mean(batch["ids"], batch["mask"], self.config.window, self.hidden_states)

    def hidden_states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """``(W, l, dim)`` states of the tokens of windows of at most ``config.window`` tokens."""
        # A window without any token attends to its first padding: the softmax of nothing is not a number.
        first = torch.arange(mask.shape[1], device=mask.device) == 0
        attend = (mask | (first & ~mask.any(1, keepdim=True)))[:, None, None, :]
        cos, sin = rotary(ids.shape[1], self.config.dim // self.config.heads, ids.device)
        x = functional.dropout(self.norm_in(self.table(ids)), self.config.dropout, self.training)
        for block in self.blocks:
            x = block(x, attend, cos, sin)
        out: Tensor = self.norm_out(x)
        return out


def build(config: TransformerConfig, info: DataInfo) -> TransformerEncoder:
    """The encoder ``text/transformer``.

    Raises:
        DataError: where the table should start from the corpus and the dataset fitted no vectors.
    """
    encoder = TransformerEncoder(info.facts["vocab_size"], config)
    if config.init == "corpus":
        start = corpus_start(info, config.dim)
        with torch.no_grad():
            encoder.table.weight.copy_(start.vectors)
    return encoder
