"""Vectors kept beside a run, so that an encoder sees a batch it has encoded before only once.

The key is the content: the encoder's weights, what makes its evaluation view, and the batch as it was read.
Whatever changes in the model or in the data therefore misses, and nothing needs to be invalidated.
"""

from __future__ import annotations

import hashlib
import io
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vicreg_core.contracts import Batch
from vicreg_core.errors import RunError
from vicreg_core.files import atomic_path

_CHECKSUM = 16
"""Bytes at the head of a file."""


class FeatureCache:
    """A folder of vectors, one file a batch, each with a checksum: what is damaged is made anew.

    Args:
        folder: made when the first vectors are kept.
        salt: what, beside the batch, determines the vectors (:func:`model_digest`).
    """

    def __init__(self, folder: Path, salt: str) -> None:
        self.folder, self._refused = folder / salt, False

    def get_or_make(self, batch: Batch, make: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """The kept vectors of a batch, or those ``make`` gives, which are then kept."""
        named = batch if isinstance(batch, dict) else {"": batch}
        key = _digest(named)
        path = self.folder / f"{key}.vectors"
        kept = _read(path, key)
        if kept is None:
            kept = make()
            self._keep(path, kept, key)
        return kept

    def _keep(self, path: Path, vectors: NDArray[np.float32], key: str) -> None:
        """Keep vectors; where that is not possible, say so once: whoever wants them has them."""
        if self._refused:
            return
        try:
            with atomic_path(path) as temporary:
                temporary.write_bytes(_packed(vectors, key))
        except RunError as error:
            self._refused = True
            warnings.warn(f"vectors are not kept for next time: {error}", stacklevel=2)


def _packed(vectors: NDArray[np.float32], key: str) -> bytes:
    """A checksum of the key and the vectors, then the vectors as ``.npy``."""
    stream = io.BytesIO()
    np.save(stream, vectors)
    content = stream.getvalue()
    return _checksum(content, key) + content


def _read(path: Path, key: str) -> NDArray[np.float32] | None:
    """The vectors kept under a key; ``None`` where there are none, or they are not what was kept."""
    if not path.is_file():
        return None
    try:
        packed = path.read_bytes()
        checksum, content = packed[:_CHECKSUM], packed[_CHECKSUM:]
        if checksum != _checksum(content, key):
            return None
        vectors: NDArray[np.float32] = np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return vectors


def _checksum(content: bytes, key: str) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECKSUM, key=key.encode()).digest()


def model_digest(module: nn.Module, made_by: Mapping[str, Any]) -> str:
    """A digest of an encoder's weights and buffers and of the settings of its evaluation view.

    Args:
        module: the encoder.
        made_by: JSON values, e.g. the augmentation's name and options.
    """
    settings = hashlib.blake2b(json.dumps(made_by, sort_keys=True).encode(), digest_size=8).hexdigest()
    return f"{_digest(module.state_dict())}-{settings}"


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in tensors.items():
        flat = tensor.detach().contiguous().cpu().reshape(-1)
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        if flat.numel():
            digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()
