"""Encoders that take flat images only."""

from __future__ import annotations

from vicreg_biomedical.datasets.pixels import canvas_of
from vicreg_core.contracts import DataInfo
from vicreg_core.errors import RecipeError


def require_flat(name: str, info: DataInfo) -> None:
    """Refuse volumes.

    Args:
        name: of the encoder, for the message.
        info: of the dataset.

    Raises:
        RecipeError: where the dataset's crops have planes in depth.
    """
    canvas = canvas_of(info.facts)
    if len(canvas) == 3:
        raise RecipeError(
            f"encoder biomedical/{name} takes flat images, but the data are volumes of {canvas[0]} planes in "
            f"depth; use biomedical/monai-resnet, or project them with data.depth=max"
        )
