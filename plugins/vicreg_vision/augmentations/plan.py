"""Every random decision about one view of a batch, drawn from keys before any pixel is touched.

The plan is drawn on the CPU, whose integer and IEEE operations give the same decisions for any device, and
because counts must be known to the host: a GPU would have to wait for its queue to answer. Samples are
sorted by when their hue turns, so that every round of the jitter works on contiguous slices.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vicreg_core.contracts.keys import Keys
from vicreg_vision.augmentations.blur import SIGMA_LEVELS, half_kernels, sigma_levels
from vicreg_vision.augmentations.boxes import draw_boxes
from vicreg_vision.augmentations.colour import Jitter, draw_jitter
from vicreg_vision.augmentations.presets import ViewSettings
from vicreg_vision.augmentations.resample import Taps, box_taps


@dataclass(frozen=True, slots=True)
class ViewPlan:
    """The decisions for ``B`` samples; every field but ``order`` is in the order of ``order``.

    Attributes:
        order: ``(B,) int64``, the samples by the round in which their hue turns.
        hue_rounds: the ``hue_round`` of :class:`Jitter`, on the host.
        taps: vertical and horizontal taps of each crop; ``None`` where samples come cropped.
        jitter: colour jitter; ``None`` where there is none.
        gray, blurred, solarised: ``(B,) bool``.
        kernels: ``(B, radius + 1) float32``, half kernels of the blur.
    """

    order: Tensor
    hue_rounds: list[int]
    taps: tuple[Taps, Taps] | None
    jitter: Jitter | None
    gray: Tensor
    blurred: Tensor
    solarised: Tensor
    kernels: Tensor

    def __getitem__(self, rows: slice) -> ViewPlan:
        """The plan of some samples."""
        return ViewPlan(
            self.order[rows],
            self.hue_rounds[rows],
            None if self.taps is None else (self.taps[0][rows], self.taps[1][rows]),
            None if self.jitter is None else self.jitter[rows],
            self.gray[rows],
            self.blurred[rows],
            self.solarised[rows],
            self.kernels[rows],
        )


def draw_plan(keys: Keys, settings: ViewSettings, raw_size: tuple[int, int] | None) -> ViewPlan:
    """Draw the plan of one view.

    Args:
        keys: one key a sample.
        settings: parameters of the view.
        raw_size: height and width of the raw images, or ``None`` where they come cropped.
    """
    keys = keys.to("cpu")
    jitter = draw_jitter(keys, settings) if _jitters(settings) else None
    if jitter is None:
        order = torch.arange(len(keys))
        hue_rounds = [0] * len(keys)
    else:
        sorted_rounds, order = jitter.hue_round.sort(stable=True)
        hue_rounds = sorted_rounds.tolist()
        jitter = jitter[order]
    keys = keys[order]
    taps = None
    if raw_size is not None:
        boxes = draw_boxes(keys, *raw_size, settings.crop_scale, settings.crop_ratio, settings.flip)
        taps = box_taps(boxes, *raw_size, settings.size, settings.interpolation)
    effects = keys.uniform("effects", 4)
    kernels = half_kernels(sigma_levels(*settings.blur_sigma), settings.blur_kernel)
    return ViewPlan(
        order=order,
        hue_rounds=hue_rounds,
        taps=taps,
        jitter=jitter,
        gray=effects[:, 0] < settings.grayscale,
        blurred=effects[:, 1] < settings.blur,
        solarised=effects[:, 2] < settings.solarise,
        kernels=kernels[(effects[:, 3] * SIGMA_LEVELS).long()],
    )


def _jitters(settings: ViewSettings) -> bool:
    strengths = (settings.brightness, settings.contrast, settings.saturation, settings.hue)
    return settings.jitter_probability > 0 and any(strengths)
