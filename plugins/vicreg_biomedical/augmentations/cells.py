"""``biomedical/cells``: from what a biologist holds to the tensor an encoder takes, batched on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vicreg_biomedical.augmentations.config import CellsConfig
from vicreg_biomedical.augmentations.corruptions import SUMMARIES, corrupt_crops
from vicreg_biomedical.augmentations.geometry import sample_view
from vicreg_biomedical.augmentations.intensity import (
    camera_noise,
    defocus,
    drop_channels,
    drop_square,
    light_and_response,
)
from vicreg_biomedical.augmentations.normalise import Normalise
from vicreg_biomedical.augmentations.stain import jitter_stains
from vicreg_biomedical.datasets.pixels import canvas_of, check_crop, fit_canvas, project_depth
from vicreg_biomedical.images.readers import decode_crop, read_image
from vicreg_core.contracts import Augmentation, Batch, DataInfo, Shown
from vicreg_core.contracts.clean import small_pixels
from vicreg_core.contracts.keys import Keys
from vicreg_core.contracts.show import show_images
from vicreg_core.data.resize import resize_planes
from vicreg_core.errors import DataError, RecipeError

_RGB = ("red", "green", "blue")


class CellViews(Augmentation):
    """Views of ``(B, C, H, W)`` crops of any dtype as ``(B, C, size, size) float32``.

    Of volumes ``(B, C, D, H, W)``, views ``(B, C, D, size, size)``: where a shape is given as ``(C, H, W)``
    below, a volume has its depth before the height.

    Raises:
        RecipeError: stain jitter asked for data that is not flat RGB.
    """

    corruptions = SUMMARIES

    def __init__(self, config: CellsConfig, info: DataInfo) -> None:
        super().__init__()
        facts = info.facts
        self.config = config
        self.channels = int(facts["channels"])
        self.is_rgb = tuple(facts.get("channel_names", _RGB)) == _RGB
        if config.stain and self.channels != 3:
            raise RecipeError(
                f"augmentation.stain is {config.stain:g}, and stain jitter needs 3 channels (red, green, "
                f"blue) but the data has {self.channels}; set augmentation.stain=0 or "
                f"augmentation.preset=fluorescence"
            )
        self.canvas = canvas_of(facts)
        if config.stain and len(self.canvas) == 3:
            raise RecipeError(
                f"augmentation.stain is {config.stain:g}, and stain jitter needs flat sections but the data "
                f"has {self.canvas[0]} planes in depth; set augmentation.stain=0, or data.depth=mean"
            )
        self.normalise = Normalise(config.normalise, facts)
        self.size = (config.size, config.size) if config.size else (self.canvas[-2], self.canvas[-1])
        self.planes = str(facts.get("planes", "keep"))
        self.centred = facts.get("centred_by")
        self.per_sample = not facts["uniform"]

    def ingest(self, item: Any) -> Tensor:
        """A path, bytes of a file, PIL image or ``(C, H, W)`` array or tensor to a tensor of its own dtype.

        Raises:
            DataError: for what cannot be read, or another number of channels than the model was trained on.
        """
        if isinstance(item, Tensor):
            pixels, name = item.numpy(), "the given tensor"
        elif isinstance(item, np.ndarray):
            pixels, name = item, "the given array"
        elif isinstance(item, bytes):
            name = f"the given file of {len(item):,} bytes"
            pixels = decode_crop(item, name)
        else:
            pixels, name = read_image(item).pixels, str(item)
        check_crop(pixels, name)
        pixels = project_depth(pixels, self.planes)
        if pixels.ndim != 1 + len(self.canvas):
            kinds = {2: "flat images", 3: f"volumes of {self.canvas[0]} planes in depth"}
            raise DataError(
                f"{name} has shape {pixels.shape}, but the model was trained on {kinds[len(self.canvas)]}"
            )
        if self.centred and pixels.dtype.kind != "f":
            raise DataError(
                f"{name}: the model was trained on crops centred by {self.centred} (data.centre_by), which "
                f"one crop alone cannot be; embed whole plates with vicreg embed RUN data.path=..."
            )
        if self.normalise.channels is not None and pixels.shape[0] != self.channels:
            raise DataError(
                f"{name} has shape {pixels.shape}: expected (channels, height, width) "
                f"with the {self.channels} channels the model was trained on"
            )
        return torch.from_numpy(np.ascontiguousarray(pixels))

    def prepare(self, sample: Tensor, key: Keys | None) -> Tensor:
        """Bring one ``(C, H, W)`` crop to the common canvas; a crop of that size passes untouched.

        Of a crop with its partners, ``(1 + P, C, H, W)``, the one that the view shows is brought.
        """
        sample = self.one(sample[None], key)[0]
        if tuple(sample.shape[1:]) == self.canvas:
            return sample
        if self.config.fit == "resize":
            sample = resize_planes(sample, (self.canvas[-2], self.canvas[-1]))
        return torch.from_numpy(fit_canvas(sample.numpy(), self.canvas))

    def collate(self, samples: Sequence[Tensor]) -> Tensor:
        """Stack crops, padded to one canvas where they differ."""
        return torch.stack([self.prepare(sample, None) for sample in samples])

    def forward(self, batch: Batch, keys: Keys | None = None) -> Tensor:
        """``(B, C, H, W)`` of any dtype to one ``(B, C, *size) float32`` view; bitwise by sample on a CPU.

        Of crops with their partners, ``(B, 1 + P, C, H, W)``, one of each is shown.
        """
        if keys is None:
            return self.normalise.standardise(self._unit_view(batch))
        config = self.config
        images = sample_view(self.normalise.to_unit(self.one(crops_of(batch), keys)), config, self.size, keys)
        if config.stain:
            images = jitter_stains(images, config.stain, keys)
        images = light_and_response(images, config, keys)
        if config.blur is not None:
            images = defocus(images, config.blur, keys)
        if config.photons is not None or config.read_noise:
            images = camera_noise(images, config, keys)
        images = self.normalise.standardise(images)
        if config.channel_dropout:
            images = drop_channels(images, config.channel_dropout, keys)
        if config.coarse_dropout:
            images = drop_square(images, config.coarse_dropout, keys)
        return images

    def show(self, views: Batch) -> Sequence[Shown] | None:
        """Pictures; stains and dyes as lights of their own, whatever their number, unless they are RGB.

        Of a volume the brightest value along the axis of the light.
        """
        if isinstance(views, Tensor) and views.ndim == 5:
            views = views.amax(dim=2)
        return show_images(views, rgb=self.is_rgb)

    def corrupt(self, batch: Batch, name: str, severity: int, keys: Keys) -> Tensor:
        """The evaluation view, damaged on the unit scale, where views are made.

        Normalisation by ``cell`` is done anew afterwards, as it would be to a crop that came like this.
        """
        damaged = corrupt_crops(self._unit_view(batch), name, severity, keys)
        if self.normalise.per_cell:
            damaged = self.normalise.to_unit(damaged)
        return self.normalise.standardise(damaged)

    def clean(self, batch: Batch) -> Tensor:
        """Every channel of the evaluation views, normalised, of at most 16 x 16 pixels."""
        return small_pixels(batch)

    def _unit_view(self, batch: Batch) -> Tensor:
        """The evaluation view on the unit scale."""
        config = self.config
        if config.evaluation_field is not None:
            config = config.model_copy(update={"field": config.evaluation_field})
        return sample_view(self.normalise.to_unit(self.one(crops_of(batch), None)), config, self.size, None)

    def one(self, crops: Tensor, keys: Keys | None) -> Tensor:
        """Of crops with their partners those that the view shows; crops without pass."""
        return one_of_pair(crops, keys) if crops.ndim == 3 + len(self.canvas) else crops


def crops_of(batch: Batch) -> Tensor:
    """The batch as the tensor of crops it must be.

    Raises:
        TypeError: for a mapping.
    """
    if isinstance(batch, dict):
        raise TypeError("views of cells are made of a (B, C, H, W) tensor, got a mapping")
    return batch


def one_of_pair(crops: Tensor, keys: Keys | None) -> Tensor:
    """``(B, C, ...)`` of ``(B, 1 + P, C, ...)``: in the first view the cell itself, else a partner of it."""
    if keys is None or keys.view == 0:
        return crops[:, 0]
    chosen = 1 + keys.integers("partner", crops.shape[1] - 1)
    return crops[torch.arange(len(crops), device=crops.device), chosen]


def build(config: CellsConfig, info: DataInfo) -> CellViews:
    """The augmentation for a dataset of cells.

    Raises:
        DataError: where the dataset is not one of cells.
    """
    if info.facts.get("kind") != "cells":
        raise DataError(
            f"biomedical/cells makes views of cell crops, but the dataset is of kind "
            f"{info.facts.get('kind')!r}; use a biomedical dataset with it"
        )
    return CellViews(config, info)
