"""What a comparison has on request: supervised training beside its methods, further protocols as columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from vicreg_core.errors import RecipeError
from vicreg_core.studies.design import Design

SUPERVISED = (
    "core/supervised",
    "core/supervised@optimizer.weight_decay=0.1",
    "core/supervised@objective.dropout=0.5",
    "core/supervised+core/vcreg",
)
"""Training from scratch on the labels there are: plain, with L2, with dropout, and with VCReg."""


def supervised_methods(design: Design) -> tuple[tuple[str, ...], str | None]:
    """Those of :data:`SUPERVISED` that a study's recipe can be trained by.

    Returns:
        The methods, and why VCReg is not among them where the encoder offers no feature maps.

    Raises:
        RecipeError: the recipe itself has mistakes.
    """
    design.load()
    try:
        design = replace(design, methods=SUPERVISED[-1:], settings=((),), seeds=1)
        design.load(design.cells()[0])
    except RecipeError as error:
        problem = str(error).splitlines()[-1].strip()
        return SUPERVISED[:-1], f"supervised training with VCReg is left out: {problem}"
    return SUPERVISED, None


def with_protocols(design: Design, names: Sequence[str]) -> Design:
    """The study with further protocols evaluated beside those of its recipe."""
    known = [each.model_dump(mode="json") for each in design.load().recipe.evaluate.protocols]
    new = [name for name in names if name not in {each["name"] for each in known}]
    if not new:
        return design
    listed = json.dumps([*known, *new])
    return replace(design, overrides=(*design.overrides, f"evaluate.protocols={listed}"))
