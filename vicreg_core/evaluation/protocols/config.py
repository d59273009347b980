"""The options of the core's protocols, as ``evaluate.protocols`` of a recipe takes them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vicreg_core.recipes.schema import LabelTraining, StrictModel

FRACTIONS = (0.01, 0.1)
"""Shares of the labels where a recipe names no others."""

_Fractions = Annotated[
    tuple[Annotated[float, Field(gt=0, lt=1)], ...],
    Field(description="shares of the labels, beside all of them", strict=False),
]
_Balanced = Annotated[bool, Field(description="decide as if all classes were equally common")]


class LinearConfig(StrictModel):
    """Options of ``linear``."""

    balanced: _Balanced = False


class LabelFractionsConfig(StrictModel):
    """Options of ``label-fractions``."""

    fractions: _Fractions = FRACTIONS
    balanced: _Balanced = False


class FewLabelsConfig(StrictModel):
    """Options of ``few-labels``."""

    labels: Annotated[
        tuple[Annotated[int, Field(ge=2)], ...],
        Field(min_length=1, description="numbers of labels", strict=False),
    ] = (10, 40, 100, 400)
    draws: Annotated[int, Field(ge=2, le=100, description="of each number")] = 3
    balanced: _Balanced = False


class FinetuneConfig(LabelTraining):
    """Options of ``finetune``."""

    fractions: _Fractions = FRACTIONS
    balanced: Annotated[bool, Field(description="train as if all classes were equally common")] = False
