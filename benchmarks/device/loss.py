"""The loss beside lightly's, where it is installed, and the authors' form: time and memory of both passes."""

from __future__ import annotations

from importlib.util import find_spec

import torch
from loss import AUTHORS, LIGHTLY, OURS, build, make_views, one_pass

from device.scale import Figures, Scale

SHAPES = ((256, 8192), (1024, 8192), (2048, 8192), (256, 2048), (4096, 512))


def measure(scale: Scale) -> Figures:
    names = [OURS, AUTHORS, *([LIGHTLY] if find_spec("lightly") else [])]
    figures = []
    for rows, dims in ((64, 128), (128, 64)) if scale.small else SHAPES:
        views = [z.detach().to(scale.device).requires_grad_() for z in make_views(rows, dims)]
        for name in names:
            criterion = build(name)
            figures.append(
                {
                    "shape": f"{rows} x {dims}",
                    "of": name,
                    "milliseconds": 1e3 * scale.seconds_of(lambda c=criterion, v=views: one_pass(c, v)),
                    "extra MiB": scale.extra_mib(lambda c=criterion, v=views: one_pass(c, v)),
                }
            )
        del views
        if scale.on_gpu:
            torch.cuda.empty_cache()
    return figures
