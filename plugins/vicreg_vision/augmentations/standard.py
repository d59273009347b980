"""``vision/standard``: random resized crop, flip, colour jitter, grayscale, blur, solarisation."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from vicreg_core.contracts import Augmentation, Batch
from vicreg_core.contracts.clean import small_pixels
from vicreg_core.contracts.keys import Keys
from vicreg_core.errors import DataError
from vicreg_vision.augmentations.blur import gaussian_blur, solarise
from vicreg_vision.augmentations.colour import jitter_linear, to_grayscale, turn_hue
from vicreg_vision.augmentations.corruptions import SUMMARIES, corrupt_planes
from vicreg_vision.augmentations.facts import ImageFacts
from vicreg_vision.augmentations.ingest import read_image
from vicreg_vision.augmentations.plan import ViewPlan, draw_plan
from vicreg_vision.augmentations.presets import ViewSettings, for_view
from vicreg_vision.augmentations.resample import resample
from vicreg_vision.augmentations.single import centre_view, crop_view

CPU_CHUNK = 1 << 19
"""Most values worked on at once on a CPU, so that each operation finds them in its cache."""
DEVICE_CHUNK = 1 << 27
"""Most values worked on at once on an accelerator: bounds its memory."""


class StandardAugmentation(Augmentation):
    """One view of each image of a batch.

    Images of one size are cropped, mirrored and resized here, batched; for images of unlike size
    (:attr:`per_sample`) :meth:`prepare` does that in a loader worker and the rest follows here. The view of
    a sample has the same bits whatever the batch, the number of threads and the process it is made in.
    """

    corruptions = SUMMARIES
    mean: Tensor
    inverse_std: Tensor

    def __init__(self, views: Sequence[ViewSettings], facts: ImageFacts) -> None:
        """Views with these settings, of which the last serves all further ones, of images with these facts.

        The evaluation view is of the settings of the first.
        """
        super().__init__()
        self.views, self.settings = tuple(views), views[0]
        settings = self.settings
        self.facts = facts
        self.per_sample = facts.size is None
        mean, std = facts.statistics() if settings.normalize else ([0.0], [1.0])
        _keep_freed_memory()
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1, 1), persistent=False)
        self.register_buffer("inverse_std", 1.0 / torch.tensor(std).view(-1, 1, 1, 1), persistent=False)

    def ingest(self, item: Any) -> Tensor:
        """A path, bytes, PIL image, array or tensor as a raw sample ``(C, H, W)`` in the data's dtype."""
        return read_image(item, self.facts)

    def prepare(self, sample: Any, key: Keys | None) -> Tensor:
        """Bring a raw sample ``(C, H, W)`` to ``(C, size, size)``; its dtype is kept.

        Samples of one size pass through where the crop is made by :meth:`forward`.
        """
        image = self._checked(torch.as_tensor(sample), 3)
        if key is None:
            return centre_view(image, self.settings)
        return crop_view(image, key, for_view(self.views, key.view)) if self.per_sample else image

    def forward(self, batch: Batch, keys: Keys | None = None) -> Tensor:
        """``(B, C, H, W)`` raw images to ``(B, C, size, size) float32`` views, on the batch's device."""
        images = self._checked(self._tensor(batch), 4)
        if keys is None:
            return self._evaluation_view(images)
        settings = for_view(self.views, keys.view)
        plan = draw_plan(keys, settings, None if self.per_sample else (images.shape[2], images.shape[3]))
        shape = (len(images), images.shape[1], settings.size, settings.size)
        views = images.new_empty(shape, dtype=torch.float32)
        for rows in _chunks(views):
            self._write(self._planes(images, plan[rows]), views[rows])
        return views.index_select(0, plan.order.argsort().to(images.device))

    def _planes(self, images: Tensor, plan: ViewPlan) -> Tensor:
        """The views of a part of the plan, as planes ``(C, n, size, size)`` before normalisation."""
        device = images.device
        samples = plan.order.to(device)
        if plan.taps is None:
            planes = images.index_select(0, samples).transpose(0, 1)
            planes = planes.to(torch.float32, memory_format=torch.contiguous_format).mul_(self.facts.unit)
        else:
            vertical, horizontal = (taps.to(device) for taps in plan.taps)
            planes = resample(images, samples, vertical, horizontal, self.facts.unit)
        if plan.taps is None or self.settings.interpolation == "bicubic":
            planes = planes.clamp_(0.0, 1.0)
        self._jitter(planes, plan)
        _replace(planes, plan.gray, lambda part, _: to_grayscale(part))
        _replace(planes, plan.blurred, lambda part, rows: gaussian_blur(part, plan.kernels[rows].to(device)))
        _replace(planes, plan.solarised, lambda part, _: solarise(part, self.settings.solarise_threshold))
        return planes

    def _jitter(self, planes: Tensor, plan: ViewPlan) -> None:
        """Colour jitter in place: each round on all jittered samples, the hue of those whose turn it is."""
        if plan.jitter is None:
            return
        jitter = plan.jitter.to(planes.device)
        rounds = jitter.rounds
        bounds = [bisect_left(plan.hue_rounds, place) for place in range(rounds + 2)]
        jittered = planes[:, : bounds[-1]]
        for place in range(rounds + 1):
            turning = slice(bounds[place], bounds[place + 1])
            if self.settings.hue > 0 and turning.stop > turning.start:
                turn_hue(planes[:, turning], jitter.hue[turning])
            if place < rounds and bounds[-1] > 0:
                factors = (jitter.gain, jitter.to_mean, jitter.to_gray)
                jitter_linear(jittered, *(factor[: bounds[-1], place] for factor in factors))

    def corrupt(self, batch: Batch, name: str, severity: int, keys: Keys) -> Tensor:
        """The evaluation view, corrupted before its normalisation, where white is 1, and cut to ``[0, 1]``.

        Contrast, which takes a mean, may round differently in another batch; all else is bitwise by sample.
        """
        images = self._centred(self._checked(self._tensor(batch), 4))
        views = torch.empty_like(images, memory_format=torch.contiguous_format)
        for rows in _chunks(views):
            planes = images[rows].transpose(0, 1).contiguous()
            self._write(corrupt_planes(planes, name, severity, keys[rows]), views[rows])
        return views

    def clean(self, batch: Batch) -> Tensor:
        """Evaluation views, normalised, of at most 16 x 16 pixels."""
        return small_pixels(batch)

    def _evaluation_view(self, images: Tensor) -> Tensor:
        """Centre view and normalisation; images of its size already are used whole."""
        return self._centred(images).sub_(self.mean[:, 0]).mul_(self.inverse_std[:, 0])

    def _centred(self, images: Tensor) -> Tensor:
        """Centre views ``(B, C, size, size) float32`` of ``evaluation_size`` where white is 1."""
        return centre_view(images, self.settings).to(torch.float32) * self.facts.unit

    def _write(self, planes: Tensor, views: Tensor) -> None:
        """Normalise planes ``(C, n, S, S)`` into views ``(n, C, S, S)``."""
        torch.sub(planes, self.mean, out=views.transpose(0, 1)).mul_(self.inverse_std)

    def _tensor(self, batch: Batch) -> Tensor:
        if not isinstance(batch, Tensor):
            raise DataError(f"vision/standard takes a tensor of images, got {type(batch).__name__}")
        return batch

    def _checked(self, images: Tensor, dimensions: int) -> Tensor:
        if images.ndim != dimensions or images.shape[-3] != self.facts.channels:
            layout = ("B, C, H, W" if dimensions == 4 else "C, H, W").replace("C", str(self.facts.channels))
            raise DataError(f"vision/standard takes images of shape ({layout}), got {tuple(images.shape)}")
        if images.dtype != self.facts.torch_dtype:
            raise DataError(f"vision/standard takes {self.facts.dtype} images, got {images.dtype}")
        return images


def _keep_freed_memory() -> None:
    """Have the C library keep freed blocks for the next batch instead of giving them back to the system.

    glibc maps large blocks afresh, page fault by page fault, until a block of some size (at most 32 MiB) is
    freed; from then on it serves blocks up to that size from its heap. No page of this one is touched.
    """
    torch.empty(31 << 20, dtype=torch.uint8)


def _chunks(views: Tensor) -> list[slice]:
    """Equal parts of a batch, each small enough to be worked on at once."""
    most = CPU_CHUNK if views.device.type == "cpu" else DEVICE_CHUNK
    parts = max(1, math.ceil(views.numel() / most))
    step = max(1, math.ceil(len(views) / parts))
    return [slice(start, start + step) for start in range(0, len(views), step)]


def _replace(planes: Tensor, fires: Tensor, operation: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Put ``operation(planes[:, rows], rows)`` in place of the samples it fires for."""
    rows = fires.nonzero()[:, 0]
    if len(rows):
        index = rows.to(planes.device)
        planes.index_copy_(1, index, operation(planes.index_select(1, index), rows))
