"""The corpus as token ids: one flat memory-mapped array and the offset of each document."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from vicreg_core.errors import DataError
from vicreg_core.files import write_array
from vicreg_text.cache import cached_folder, digest_of, key_of
from vicreg_text.tokens.config import TokenizerConfig
from vicreg_text.tokens.tokenizer import FILE, parse_tokenizer, parted, pretrained_tokenizer, train_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_FORMAT = 3
_BATCH = 256
_BLOCK = 16_384


class Texts(Protocol):
    """What is tokenised.

    Attributes:
        key: identifies the content.
        name: what messages call it.
    """

    key: str
    name: str

    def __len__(self) -> int: ...

    def texts(self) -> Iterator[str]:
        """Every text, in order."""


class Tokens:
    """Token ids of every document of a split.

    Attributes:
        flat: ``(total,)`` unsigned token ids, memory-mapped.
        offsets: ``(n + 1,) int64``; document ``i`` is ``flat[offsets[i]:offsets[i + 1]]``.
    """

    def __init__(self, folder: Path) -> None:
        self.flat: NDArray[np.uint32] = np.load(folder / "flat.npy", mmap_mode="r")
        self.offsets: NDArray[np.int64] = np.load(folder / "offsets.npy")

    @property
    def lengths(self) -> NDArray[np.int64]:
        """``(n,) int64`` tokens of each document."""
        return np.diff(self.offsets)

    def unknown(self, unknown_id: int | None) -> NDArray[np.int64]:
        """``(m,) int64``: the documents without a token, or with none but ``unknown_id``."""
        if unknown_id is None:
            return np.flatnonzero(self.lengths == 0)
        known = np.zeros(len(self.lengths), dtype=bool)
        for first in range(0, len(known), _BLOCK):
            offsets = self.offsets[first : first + _BLOCK + 1]
            counts = np.cumsum(self.flat[offsets[0] : offsets[-1]] != unknown_id, dtype=np.int64)
            known[first : first + _BLOCK] = np.diff(np.append(0, counts)[offsets - offsets[0]]) > 0
        return np.flatnonzero(~known)

    def gather(
        self, indices: NDArray[np.int64], present: NDArray[np.bool_] | bool = True
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Lengths ``(B,) int64`` and concatenated tokens ``(sum,) int32`` of some documents, in one read.

        Documents that are not ``present`` come out empty.
        """
        starts = self.offsets[indices]
        lengths = np.where(present, self.offsets[indices + 1] - starts, 0)
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        positions = np.arange(total) + np.repeat(starts - (ends - lengths), lengths)
        return lengths, self.flat[positions].astype(np.int32)


def fit_tokenizer(documents: Texts, config: TokenizerConfig, max_fit: int) -> bytes:
    """The ``tokenizer.json`` of a corpus: trained on ``max_fit`` documents, or pretrained."""
    if config.pretrained is not None:
        return pretrained_tokenizer(config.pretrained).to_str().encode("utf-8")
    key = key_of(_FORMAT, documents.key, config.model_dump(), max_fit)

    def write(folder: Path) -> None:
        # Its own save() names no error of the system where a disk is full.
        text = train_tokenizer(islice(documents.texts(), max_fit), config).to_str(pretty=True)
        (folder / FILE).write_text(text, encoding="utf-8")

    return (cached_folder("tokenizer", key, write) / FILE).read_bytes()


def tokenise(documents: Texts, tokenizer_json: bytes) -> Tokens:
    """The token ids of every document, without special tokens; derived once.

    Raises:
        DataError: for a corpus in which hardly any document has two tokens, or all documents are the same.
    """
    key = key_of(_FORMAT, documents.key, digest_of(tokenizer_json))
    folder = cached_folder("tokens", key, lambda target: _write(documents, tokenizer_json, target))
    return Tokens(folder)


def _write(documents: Texts, tokenizer_json: bytes, folder: Path) -> None:
    tokenizer = parse_tokenizer(tokenizer_json)
    wide = tokenizer.get_vocab_size(with_added_tokens=True) > 2**16
    dtype = np.dtype(np.uint32 if wide else np.uint16)
    lengths = np.zeros(len(documents), dtype=np.int64)
    # Written as a stream, since a full disk ends a process that writes into a memory map.
    with (folder / "flat.npy").open("wb") as sink:
        _write_header(sink, dtype, 0)
        for number, ids in _encoded(documents, tokenizer):
            lengths[number] += len(ids)
            sink.write(np.asarray(ids, dtype=dtype).tobytes())
        total = int(lengths.sum())
        if total == 0:
            raise DataError(f"{documents.name}: the tokenizer turns every document into nothing")
        sink.seek(0)
        _write_header(sink, dtype, total)
    write_array(folder / "offsets.npy", np.concatenate([[0], np.cumsum(lengths)]))


def _write_header(sink: BinaryIO, dtype: np.dtype[Any], total: int) -> None:
    """The header of a ``.npy`` file of one dimension; of one size for every total, so it can be rewritten."""
    shape = {"shape": (total,), "fortran_order": False, "descr": np.lib.format.dtype_to_descr(dtype)}
    np.lib.format.write_array_header_1_0(sink, shape)


def _encoded(documents: Texts, tokenizer: Tokenizer) -> Iterator[tuple[int, list[int]]]:
    """The number of a document and the token ids of one of its pieces, in order."""
    pieces = ((number, piece) for number, text in enumerate(documents.texts()) for piece in parted(text))
    while block := list(islice(pieces, _BATCH)):
        encodings = tokenizer.encode_batch_fast([piece for _, piece in block], add_special_tokens=False)
        for (number, _), encoding in zip(block, encodings, strict=True):
            yield number, encoding.ids
