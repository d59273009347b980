"""Graded damage to documents: ragged batches of token ids to the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

from vicreg_core.contracts.keys import Keys
from vicreg_core.contracts.severity import strength
from vicreg_text.augmentations.ragged import Ragged
from vicreg_text.augmentations.typos import mistype
from vicreg_text.tokens.tokenizer import parted

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Operation: TypeAlias = Callable[[Ragged, float, Keys, "Callable[[], Tokenizer]"], Ragged]

SUMMARIES: Mapping[str, str] = MappingProxyType(
    {
        "typos": "characters mistyped: a key beside, left out, struck twice or exchanged",
        "token-loss": "tokens left out, each by itself",
        "truncation": "only the beginning of the document",
        "shuffling": "tokens moved among those around them",
    }
)

STRENGTHS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "typos": (0.01, 0.03, 0.06, 0.12, 0.2),  # share of the characters
        "token-loss": (0.1, 0.2, 0.35, 0.5, 0.7),  # share of the tokens
        "truncation": (0.75, 0.5, 0.3, 0.2, 0.1),  # share of the tokens kept
        "shuffling": (2.0, 4.0, 8.0, 32.0, float("inf")),  # most places moved, of the whole document at last
    }
)


def corrupt_documents(
    batch: Ragged, name: str, severity: int, keys: Keys, tokenizer: Callable[[], Tokenizer]
) -> Ragged:
    """Corrupt each document by its own key.

    Typos need characters: the tokens are decoded, mistyped and tokenised anew, as a document would be that
    had been written so. A document of at least one token keeps at least one.

    Args:
        batch: the documents as they are evaluated, cut to their greatest length.
        name, severity: what to do.
        keys: one key a document.
        tokenizer: called where characters are needed.

    Raises:
        ValueError: no such corruption or severity.
    """
    amount = strength(STRENGTHS, name, severity)
    return _OPERATIONS[name](batch, amount, keys, tokenizer)


def _typos(batch: Ragged, share: float, keys: Keys, tokenizer: Callable[[], Tokenizer]) -> Ragged:
    lengths, coder = batch.length.tolist(), tokenizer()
    documents = _compact(batch).tokens.cpu().split(lengths)
    texts = coder.decode_batch([ids.tolist() for ids in documents], skip_special_tokens=False)
    pieces = [list(parted(text)) for text in mistype(texts, share, keys.to("cpu"))]
    encoded = coder.encode_batch([piece for text in pieces for piece in text], add_special_tokens=False)
    read = iter(encoded)
    typed = [[token for _ in text for token in next(read).ids] for text in pieces]
    # A mistyped text may be empty; the document is then left as it was.
    kept = [new or old.tolist() for new, old in zip(typed, documents, strict=True)]
    tokens = torch.tensor([token for ids in kept for token in ids], dtype=batch.tokens.dtype)
    length = torch.tensor([len(ids) for ids in kept], dtype=torch.int64)
    return _ragged(tokens.to(batch.tokens.device), length.to(batch.length.device))


def _token_loss(batch: Ragged, share: float, keys: Keys, tokenizer: Callable[[], Tokenizer]) -> Ragged:
    inside = _places(batch)
    draws = keys.uniform("token-loss", inside.shape[1]).masked_fill(~inside, -1.0)
    # The token of the largest draw stays, so that something does.
    kept = inside & ((draws >= share) | (draws == draws.amax(dim=1, keepdim=True)))
    return _ragged(_compact(batch).tokens[kept[inside]], kept.sum(dim=1))


def _truncation(batch: Ragged, share: float, keys: Keys, tokenizer: Callable[[], Tokenizer]) -> Ragged:
    length = (share * batch.length.double()).ceil().long()
    return batch._replace(length=length)


def _shuffling(batch: Ragged, reach: float, keys: Keys, tokenizer: Callable[[], Tokenizer]) -> Ragged:
    inside = _places(batch)
    width = inside.shape[1]
    draws = keys.uniform("shuffling", width)
    place = torch.arange(width, device=inside.device, dtype=torch.float32)
    # Sorting by place + U(0, r) moves no token by more than r places; an endless r leaves U alone.
    rank = draws if reach == float("inf") else place + reach * draws
    order = rank.masked_fill(~inside, float("inf")).argsort(dim=1, stable=True)
    source = (batch.offset[:, None] + order)[inside]
    return _ragged(batch.tokens[source], batch.length)


def _places(batch: Ragged) -> Tensor:
    """``(B, longest) bool``: where a document has a token; at least one column."""
    width = max(1, int(batch.length.max()))
    return torch.arange(width, device=batch.length.device) < batch.length[:, None]


def _compact(batch: Ragged) -> Ragged:
    """The same documents without the tokens that belong to none."""
    inside = _places(batch)
    source = (batch.offset[:, None] + torch.arange(inside.shape[1], device=inside.device))[inside]
    return _ragged(batch.tokens[source], batch.length)


def _ragged(tokens: Tensor, length: Tensor) -> Ragged:
    return Ragged(tokens, length.cumsum(0) - length, length)


_OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "typos": _typos,
        "token-loss": _token_loss,
        "truncation": _truncation,
        "shuffling": _shuffling,
    }
)
