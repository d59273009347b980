"""Builds the objectives of the core from their configs."""

from __future__ import annotations

from vicreg_core.objectives.config import VICRegConfig
from vicreg_core.objectives.vicreg import VICRegLoss


def build_vicreg(config: VICRegConfig) -> VICRegLoss:
    """The objective ``core/vicreg``; its keys are the arguments of :class:`VICRegLoss`."""
    return VICRegLoss(**config.model_dump())
