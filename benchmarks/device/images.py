"""Images made of random pixels, held in memory as a dataset of the vision plugin holds them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vicreg_core.contracts import Augmentation, DatasetAdapter, Keys
from vicreg_vision.augmentations.build import build_standard
from vicreg_vision.augmentations.config import StandardAugmentationConfig
from vicreg_vision.datasets.adapters import Annotations, MemoryImages


def images_of(size: int, count: int, *, preset: str | None = None) -> tuple[DatasetAdapter, Augmentation]:
    """``count`` images ``(3, size, size) uint8`` and their standard augmentation."""
    pixels = torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8)
    data = MemoryImages(pixels, Annotations(ids=np.arange(count)), raw_size=(size, size), skipped=[])
    config = StandardAugmentationConfig(preset=preset or ("small" if size <= 32 else "paper"), size=size)
    return data, build_standard(config, data.info)


def two_views(augmentation: Augmentation, batch: Tensor, device: torch.device) -> list[Tensor]:
    """Both views of a batch that lies on the CPU, made on the device."""
    import copy

    there = copy.deepcopy(augmentation).to(device)
    ids = torch.arange(len(batch))
    return [there(batch.to(device), Keys.of(0, 0, ids, view).to(device)) for view in (0, 1)]
