"""``biomedical/monai``: a list of MONAI's array transforms by name, for those who have theirs.

They run sample by sample in loader workers; ``biomedical/cells`` makes like views batched and far faster.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vicreg_biomedical.augmentations.cells import CellViews, crops_of
from vicreg_biomedical.augmentations.config import CellsConfig, MonaiConfig
from vicreg_biomedical.monai_import import import_monai
from vicreg_core.contracts import Batch, DataInfo
from vicreg_core.contracts.keys import Keys
from vicreg_core.errors import RecipeError


class MonaiViews(CellViews):
    """Views by MONAI transforms on the unit scale, each seeded by the sample's key.

    Raises:
        RecipeError: for a name that is no random or intensity transform of arrays, or arguments it refuses.
    """

    def __init__(self, config: MonaiConfig, info: DataInfo) -> None:
        plain = CellsConfig(preset="none", fit=config.fit, normalise=config.normalise)
        super().__init__(plain, info)
        self.per_sample = True
        self.transforms = [_build(entry) for entry in config.transforms]

    def prepare(self, sample: Tensor, key: Keys | None) -> Tensor:
        """One crop, or one volume, to a transformed one, float32 on the unit scale."""
        image = self.normalise.to_unit(super().prepare(sample, key)[None])[0]
        if key is None:
            return image
        seeds = key.bits("monai", len(self.transforms))[0].tolist()
        for transform, seed in zip(self.transforms, seeds, strict=True):
            if hasattr(transform, "set_random_state"):
                transform.set_random_state(seed=seed & (2**32 - 1))
            image = torch.as_tensor(np.asarray(transform(image)))
        if tuple(image.shape[1:]) != self.canvas:
            raise RecipeError(
                f"augmentation.transforms made a view of {tuple(image.shape)} from a crop of {self.canvas}; "
                f"end with a transform that brings every view to {self.canvas}"
            )
        return image.to(torch.float32)

    def collate(self, samples: Sequence[Tensor]) -> Tensor:
        """Stack prepared views."""
        return torch.stack(list(samples))

    def forward(self, batch: Batch, keys: Keys | None = None) -> Tensor:
        """``(B, C, H, W)`` or ``(B, C, D, H, W)`` on the unit scale to zero mean and unit variance."""
        return self.normalise.standardise(self._unit_view(batch))

    def _unit_view(self, batch: Batch) -> Tensor:
        """What :meth:`prepare` made is on the unit scale already."""
        return crops_of(batch)


def _build(entry: dict[str, Any]) -> Any:
    arguments = dict(entry)
    name = arguments.pop("name", None)
    transforms, base = import_monai("monai.transforms"), import_monai("monai.transforms.transform")
    found = getattr(transforms, name, None) if isinstance(name, str) else None
    known = inspect.isclass(found) and issubclass(found, base.Transform)
    if found is None or not known or issubclass(found, base.MapTransform) or "Lambda" in str(name):
        raise RecipeError(
            f"augmentation.transforms: {name!r} is no array transform of MONAI; "
            f"expected a name such as RandRotate, RandFlip or RandGaussianNoise"
        )
    try:
        return found(**arguments)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"augmentation.transforms: {name} refuses {arguments}: {error}") from error


def build(config: MonaiConfig, info: DataInfo) -> MonaiViews:
    """The augmentation for a dataset of cells."""
    import_monai("monai.data").set_track_meta(False)
    return MonaiViews(config, info)
