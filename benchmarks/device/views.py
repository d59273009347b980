"""Two views of a batch in memory, as a training step makes them: images a second."""

from __future__ import annotations

import copy

import torch

from device.images import images_of
from device.scale import Figures, Scale
from vicreg_core.contracts import Keys


def measure(scale: Scale) -> Figures:
    figures = []
    for size, count in ((32, 64), (96, 16)) if scale.small else ((32, 512), (96, 512), (224, 256)):
        data, augmentation = images_of(size, count)
        there = copy.deepcopy(augmentation).to(scale.device)
        batch = data.__getitems__(range(count)).to(scale.device)
        ids = torch.arange(count)

        def both(there=there, batch=batch, ids=ids) -> None:
            for view in (0, 1):
                there(batch, Keys.of(0, 0, ids, view))

        seconds = scale.seconds_of(both)
        figures.append(
            {"pixels": size, "batch": count, "milliseconds": 1e3 * seconds, "images/s": count / seconds}
        )
    return figures
