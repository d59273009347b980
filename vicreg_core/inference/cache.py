"""Vectors kept beside a run, so that an encoder sees a batch it has encoded before only once.

The key is the content: the encoder's weights, what makes its evaluation view, and the batch as it was read.
Whatever changes in the model or in the data therefore misses, and nothing needs to be invalidated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vicreg_core.contracts import Batch
from vicreg_core.files import atomic_path


class FeatureCache:
    """A folder of vectors, one file a batch.

    Args:
        folder: made when the first vectors are kept.
        salt: what, beside the batch, determines the vectors (:func:`model_digest`).
    """

    def __init__(self, folder: Path, salt: str) -> None:
        self.folder = folder / salt

    def get_or_make(self, batch: Batch, make: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """The kept vectors of a batch, or those ``make`` gives, which are then kept."""
        named = batch if isinstance(batch, dict) else {"": batch}
        path = self.folder / f"{_digest(named)}.npy"
        if path.is_file():
            try:
                kept: NDArray[np.float32] = np.load(path, allow_pickle=False)
                return kept
            except (OSError, ValueError, EOFError):
                path.unlink(missing_ok=True)
        vectors = make()
        with atomic_path(path) as temporary:
            np.save(temporary, vectors)
        return vectors


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
